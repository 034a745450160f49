"""Instances: named problems with a point of interest.

    definition.py   what an instance is: problem, X̂, settings, descent, facts, source
    published.py    the three published ones
    random.py       families of random ones, of any size
    networks.py     quadratic networks
    registry.py     all of them by name: `instance`, `catalogue`, `parse_instance`
    files.py        instances in .npz files, read without trusting them

To add one: write a function that returns an `Instance` (its signature declares the parameters,
the first line of its docstring describes it), and name it in `registry.CATALOGUE`.
"""
