"""What explicit lifting and its simulation cost, in seconds and bytes.

measure.py    one call: seconds with their spread, traced peak; resident.py: the resident peak
isolated.py   a function in a fresh process with pinned threads
cases.py      what is measured: an instance of given sizes, and an order
workloads.py  what one plan and one step of each method are
grid.py       all methods on all cases, each in a fresh process
scaling.py    the exponents of a grid
counted.py    gradients counted instead of seconds
"""
