"""Instances: named problems with a point of interest.

    definition.py   what an instance is: problem, X̂, settings, descent, facts, source
    known.py        what is known of a point in closed form: facts; computed.py computes them

    published.py, iris.py           the published ones
    sharp.py, least_delta.py        RIP constant known exactly
    completion.py                   clusters, paths, rings and blocks of entries
    synchronisation.py              signs and twisted states on graphs
    phase_retrieval.py, power_system.py, networks.py, asymmetric.py
    random.py                       families of random ones, of any size

    registry.py     all of them by name: `instance`, `catalogue`, `parse_instance`
    custom.py       instances from a function of your own, `module:function`; python_file.py
                    loads a file as it is now
    files.py        instances in files, read without trusting them: contents.py says which keys,
                    archive.py reads .npz and .npy, matlab.py reads .mat, assembly.py makes
                    the instance of the arrays
    optional.py     packages that a few need, and the extra that brings them

To add one: write a function that returns an `Instance` (its signature declares the parameters,
the first line of its docstring describes it), and name it in `registry.CATALOGUE`.
"""
