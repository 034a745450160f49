"""The Hessian of h^l at a lifted point as three Kronecker powers (docs/theory.md, section 10).

matrices.py      the three d×d matrices at a point X, in one common unit
groups.py        tensors that are symmetric within groups of modes: smaller, same spectrum
hessian.py       the Hessian on such tensors: its cost beforehand, its products, its matrix
recognition.py   whether a tensor is a lifted point, and of which X
"""
