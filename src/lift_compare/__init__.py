"""Explicit and simulated lifting of low-rank matrix sensing, side by side.

    sensing     the problem in matrix space, its instances, gradient descent
    lifting     the real lifted objective, on explicit tensors
    simulated   the same without a lift, from small Gram matrices
    compare     do the two agree, what does each cost, what holds

The four folders stand at the top of the repository. Here they are inside this package: by copy
in a wheel, by link in an editable installation (see build_backend.py).
"""

from importlib.metadata import version

__version__ = version("lift-compare")
