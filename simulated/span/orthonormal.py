"""An orthonormal basis of a span of powers, and the lifted objective in it.

The mathematics: docs/theory.md, section 6.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from typing import Any

import numpy as np

from lift_compare.sensing.tolerances import GRAM_RANK, NOISE, PLAIN_GRAM
from lift_compare.sensing.validation import FloatArray

from .quartic import Quartic

DIGITS = 80


@dataclass(frozen=True, repr=False)
class OrthonormalForm:
    """The lifted objective in coordinates u of an orthonormal basis of the span.

    Attributes
    ----------
    into : array (r, k)
        u = into @ c.
    back : array (k, r)
        c = back @ u, of least norm in the unit powers. Γ⁺ = back @ backᵀ.
    quartic : Quartic
        h^l as a function of u.
    unit_back : array (k, r)
        `back` for coefficients of the unit powers.
    dropped : float
        Largest norm of a dropped combination Σ_j v_j (unit power j), |v| = 1; 0 if the basis is
        complete.
    """

    into: FloatArray
    back: FloatArray
    quartic: Quartic
    unit_back: FloatArray
    dropped: float

    @property
    def finite(self) -> bool:
        """Whether all numbers fit into float64."""
        return self.quartic.finite and all(
            bool(np.all(np.isfinite(x))) for x in (self.into, self.back)
        )

    def rescaled(self, logs: FloatArray) -> OrthonormalForm:
        """Return the form with coefficients relative to exp(logs_j) · power j."""
        return replace(self, into=self.into * np.exp(logs), back=self.back * np.exp(-logs)[:, None])

    def coefficients(self, c: FloatArray, before: FloatArray, after: FloatArray) -> FloatArray:
        """Return the coefficients after a move from c, shape (..., k).

        `before` and `after` are coordinates u, shape (..., r). What the basis does not see of c
        stays as it is if it is no tensor at all (parallel generators), and is projected away if it
        is a small one (nearly parallel generators).
        """
        if self.dropped <= NOISE:
            return np.asarray(c + (after - before) @ self.back.T)
        return np.asarray(after @ self.back.T)


def orthonormal_form(
    rows: FloatArray, quartic: FloatArray, quadratic: FloatArray, constant: float, order: int
) -> OrthonormalForm:
    """Return the lifted objective on a span of powers, in an orthonormal basis of it.

    The Gram matrix of nearly parallel generators is nearly singular, and differences of their
    powers cancel. Where an eigenvalue is below 1e-3 of the largest, the basis and the quartic in it
    are computed with 80 digits, from the given numbers taken as exact; what comes out is as
    accurate as for orthogonal generators. Eigenvalues below `GRAM_RANK` are dropped: at an
    angle θ with l θ² / 2 below about 1e-12 two generators count as parallel.

    Parameters
    ----------
    rows : array (k, d)
        Unit generators in an orthonormal basis E of their own span; a zero row is a zero generator.
    quartic, quadratic : array (d, d, d, d), (d, d)
        ⟨A(E_a E_bᵀ), A(E_c E_dᵀ)⟩ and ⟨A(E_a E_bᵀ), b⟩.
    constant : float
        ‖b‖^{2l}.
    order : int
        The odd order l.
    """
    # 1. Which combinations of the powers are tensors at all: the spectrum of the Gram matrix.
    values, vectors = np.linalg.eigh((rows @ rows.T) ** order)
    kept = values > GRAM_RANK * values[-1]
    # 2. Well conditioned: the basis is that of the eigenvectors.
    if values[0] > PLAIN_GRAM * values[-1] or not np.any(kept):
        weights: Any = (vectors[:, kept] / np.sqrt(values[kept])).T
        return _form(rows, quartic, quadratic, constant, order, weights, 0.0)
    # 3. Nearly parallel generators: turn to the eigenvectors first, then orthonormalise what is
    # left by Cholesky, all with 80 digits.
    with localcontext() as context:
        context.prec = DIGITS
        context.clear_traps()  # what is infinite on the way in comes out as such
        exact, turned = decimals(rows), decimals(vectors)
        gram = turned.T @ (exact @ exact.T) ** order @ turned
        dropped = float(max(np.diag(gram)[~kept], default=Decimal(0))) ** 0.5
        weights = solve_lower(cholesky(gram[np.ix_(kept, kept)]), turned.T[kept])
        return _form(
            exact, decimals(quartic), decimals(quadratic), constant, order, weights, dropped
        )


def _form(
    rows: Any,
    quartic: Any,
    quadratic: Any,
    constant: float,
    order: int,
    weights: Any,
    dropped: float,
) -> OrthonormalForm:
    """Return the form for the basis tensors Σ_j weights_aj (unit power j).

    The arrays hold floats or Decimals.
    """
    Q = transform(weights, transform(rows, quartic) ** order)
    B = transform(weights, transform(rows, quadratic) ** order)
    into = weights @ (rows @ rows.T) ** order
    back = np.ascontiguousarray(weights.T.astype(np.float64))
    r = len(weights)
    plain = Quartic(Q.astype(np.float64).reshape(r * r, r * r), B.astype(np.float64), constant)
    return OrthonormalForm(into.astype(np.float64), back, plain, back, dropped)


def transform(matrix: Any, tensor: Any) -> Any:
    """Apply the matrix to every index of the tensor."""
    for _ in range(tensor.ndim):
        tensor = np.moveaxis(np.tensordot(matrix, tensor, axes=(1, 0)), 0, -1)
    return tensor


def decimals(array: FloatArray) -> Any:
    """Return the array as Decimals, exactly."""
    return np.array([Decimal(float(x)) for x in array.ravel()], dtype=object).reshape(array.shape)


def cholesky(gram: Any) -> Any:
    """Return L with L Lᵀ = gram, for Decimals."""
    lower = np.zeros_like(gram)
    for i in range(len(gram)):
        for j in range(i + 1):
            rest = gram[i, j] - sum(lower[i, t] * lower[j, t] for t in range(j))
            lower[i, j] = rest.sqrt() if i == j else rest / lower[j, j]
    return lower


def solve_lower(lower: Any, right: Any) -> Any:
    """Return L⁻¹ right, for Decimals."""
    solved = np.zeros_like(right)
    for i in range(len(lower)):
        known = sum(lower[i, t] * solved[t] for t in range(i))
        solved[i] = (right[i] - known) / lower[i, i]
    return solved
