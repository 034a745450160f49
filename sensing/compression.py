"""A sensing problem seen from a subspace of its points: again a sensing problem, of its size."""

from __future__ import annotations

from typing import Any

import numpy as np

from .floats import finite, norm, normalised, silently
from .operators import DenseOperator, unchecked_products
from .problem import SensingProblem, checked_problem
from .tolerances import SINGULAR
from .validation import FloatArray, InvalidValue, OutOfRange, real_array


@silently
def compress(problem: SensingProblem, basis: Any) -> SensingProblem:
    """Return the rank-one problem of size k that h is on the span of k matrices.

    For a basis E_1..E_k of a subspace of R^{n×r} it has the same measurements b and the k×k
    matrices (docs/theory.md, section 10)

        Ã_i[j,k] = ⟨A_i, sym(E_j E_kᵀ)⟩ = measure(E_j, E_k)_i.

    At X = Σ_j c_j E_j its objective at c is h(X), its gradient the ⟨∇h(X), E_j⟩, and its *lifted*
    objective, at any tensor c with l modes of length k, that of Σ c_{j…} E_j ⊗ … ⊗ E_j: the lifted
    problem on the l-th tensor power of the subspace, with k^l entries in place of (n r)^l. If the
    basis is orthonormal its curvatures are Ritz values, so its least curvature is an upper bound of
    the least of all.

    Parameters
    ----------
    problem : SensingProblem
        The problem, of any kind of operator: only `measure` is called, k(k+1)/2 times, and nothing
        of size n×n is formed.
    basis : array (k, n, r)
        Linearly independent matrices E_j of any lengths. Dependent ones are refused, for the
        coordinates of a point would not be unique, and the compressed Hessians singular for no
        reason of the problem's; `numpy.linalg.qr` or `svd` makes a basis of what they span.

    Returns
    -------
    SensingProblem
        With a `DenseOperator` of m matrices k×k, rank one, and no ground truth: it may lie outside
        the subspace. Points are c of shape (k, 1).

    Raises
    ------
    TypeError, ValueError
        For a basis of the wrong shape, with numbers that are not finite, or linearly dependent (to
        1e-10, for matrices of unit length).
    OverflowError
        If some Ã_i is beyond float64, or all of them below it.

    Examples
    --------
    >>> import numpy as np
    >>> from lift_compare import sensing
    >>> problem = sensing.perturbed_completion(50)
    >>> E = np.zeros((2, 50, 1))
    >>> E[0, 0], E[1, 1:] = 1.0, 1 / 7  # two unit matrices of disjoint support
    >>> small = sensing.compress(problem, E)
    >>> small.n, small.m == problem.m
    (2, True)
    >>> c = np.array([[0.5], [2.0]])
    >>> bool(np.isclose(small.objective(c), problem.objective(np.tensordot(c[:, 0], E, 1))))
    True
    """
    E = real_array("basis", basis, (None, *checked_problem(problem).shape))
    _refuse_dependent(E)
    measure, _ = unchecked_products(problem.operator)
    # Units of powers of two, so that no product on the way leaves float64 before its result does.
    matrices, units = zip(*(normalised(matrix) for matrix in E), strict=True)
    size = len(E)
    compressed, lost = np.zeros((problem.m, size, size)), False
    for j in range(size):
        for k in range(j + 1):
            y = measure(matrices[j], matrices[k])
            entry = np.ldexp(y, units[j] + units[k])
            lost = lost or bool(np.any((entry == 0) & (y != 0)))
            compressed[:, j, k] = compressed[:, k, j] = entry
    if lost and not np.any(compressed):
        raise OutOfRange("basis: ⟨A_i, E_j E_kᵀ⟩ is below the range of float64 (1e-308 to 1.8e308)")
    operator = DenseOperator(finite("basis: ⟨A_i, E_j E_kᵀ⟩", compressed))
    return SensingProblem(operator, problem.measurements)


def _refuse_dependent(E: FloatArray) -> None:
    """Refuse matrices that are linearly dependent, whatever their lengths."""
    if len(E) > E[0].size:
        raise InvalidValue(
            f"basis: expected at most n r = {E[0].size} matrices, which are independent, "
            f"got {len(E)}"
        )
    lengths = np.array([norm(matrix) for matrix in E])
    if not np.all(lengths > 0):
        raise InvalidValue(
            f"basis: expected linearly independent matrices, got basis[{np.argmin(lengths)}] = 0"
        )
    # Divided by the largest entry first: the inverse of a length may be beyond float64.
    units = np.stack([normalised(matrix)[0].reshape(-1) for matrix in E])
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    singular = np.linalg.svd(units, compute_uv=False)
    if singular[-1] <= SINGULAR * singular[0]:
        rank = int(np.count_nonzero(singular > SINGULAR * singular[0]))
        raise InvalidValue(
            f"basis: expected linearly independent matrices, got {len(E)} of rank {rank}"
        )
