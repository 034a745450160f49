"""The lifted gradient as a sum of powers, and what a span of powers captures of it.

The mathematics: docs/theory.md, section 12.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Any

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.tolerances import GRAM_RANK
from lift_compare.sensing.validation import FloatArray, OutOfRange

from ..signed_log import LOG_2, signed_log, units_and_logs
from ..span.gram import pair_measurements
from ..span.orthonormal import DIGITS, cholesky, decimals, solve_lower

_SCALES = (0, -250, 250, -500, 500)
"""Binary exponents with which A* is applied: the first at which nothing over- or underflows."""

_LEAST = 2.0**-500
"""Products up to this are computed again in a larger scale: digits may have underflowed."""

_EPS = float(np.finfo(np.float64).eps)

_ZERO = Decimal(10) ** (10 - DIGITS)
"""Squared norms of unit powers up to this are zero to the digits kept."""


@dataclass(frozen=True, eq=False)
class CPGradient:
    """∇h^l(w) for w = Σ_j c_j vec(X_j)^{⊗l}, as a sum of N powers in an orthonormal basis.

    With y_jk = A(X_j X_kᵀ),

        ∇h^l(w) = 2 Σ_jkp c_j c_k c_p vec(A*(y_jk) X_p)^{⊗l} − 2 Σ_p c_p vec(A*(b) X_p)^{⊗l}

    The matrices do not depend on c. The first vectors of the basis span S, the span of the powers
    of the generators; the others complete it to the span of all terms. Nearly parallel terms cancel
    near a stationary point, so the basis is computed with 80 digits from unit matrices taken as
    exact: a norm of a sum is then wrong by ε of its terms, and not by √ε. numpy's signals are left
    to the caller to silence.

    Attributes
    ----------
    order : int
        l.
    factors : array (N, 3)
        The generators j, k, p of each term; −1 stands for none.
    weights : array (N,)
        The numerical factors: 2, 4 for a pair j ≠ k, −2 for the terms of b.
    logs : array (N,)
        l times the logarithm of the norm of each term's matrix, for generators of norm one; −inf
        for a zero one.
    log_norms : array (k,)
        Logarithms of the norms of the generators.
    captured : array (N, a)
        Each unit term in the basis of S.
    left_out : array (N, rank)
        The same in the rest of the basis.
    errors : array (N,)
        Bound of the relative rounding error of each term.
    """

    order: int
    factors: Any
    weights: FloatArray
    logs: FloatArray
    log_norms: FloatArray
    captured: FloatArray
    left_out: FloatArray
    errors: FloatArray

    @classmethod
    def of(cls, problem: SensingProblem, X: FloatArray, order: int) -> CPGradient:
        """Take the measurements of all pairs of generators (k, n, r), and k products A* of each."""
        units, log_norms = units_and_logs(X)
        k = len(X)
        # 1. The matrices A*(y_jk) X_p and A*(b) X_p, for generators of norm one.
        rows, cols = np.triu_indices(k)
        y, log_y = pair_measurements(problem, units, rows, cols)
        b, log_b = units_and_logs(problem.measurements[None])
        cubic, log_cubic = _adjoints(problem, y, units)
        linear, log_linear = _adjoints(problem, b, units)
        matrices = np.concatenate([cubic, linear])
        log = np.concatenate([log_cubic + log_y, log_linear + log_b])
        pairs = np.stack([np.repeat(rows, k), np.repeat(cols, k), np.tile(np.arange(k), len(rows))])
        single = np.stack([np.full(k, -1), np.full(k, -1), np.arange(k)])
        multiplicity = np.where(pairs[0] == pairs[1], 2.0, 4.0)
        # 2. All of them in an orthonormal basis of the span of matrices, and their powers in one of
        # the span of powers.
        together = np.concatenate([units, matrices]).reshape(k + len(matrices), -1)
        coordinates = np.asarray(np.linalg.qr(together.T, mode="r")).T
        captured, left_out = _orthonormal_parts(coordinates, k, order)
        # 3. A matrix is wrong by so many ε of the largest of its kind, and its power l times that.
        below = np.concatenate([np.max(x) - x for x in (log_cubic, log_linear)])
        ratio = np.where(np.isfinite(below), np.exp(np.minimum(below, 600.0)), 0.0)
        errors = _EPS * (order * np.sqrt(problem.m + X[0].size) * (ratio + 4) + len(together))
        return cls(
            order,
            np.concatenate([pairs, single], axis=1).T,
            np.concatenate([multiplicity, np.full(k, -2.0)]),
            order * log,
            log_norms,
            captured,
            left_out,
            errors,
        )

    def parts(self, c: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Return ‖Π_S ∇h^l‖, ‖∇h^l − Π_S ∇h^l‖, a bound of their errors, and a log scale.

        For c of shape (T, k); each has shape (T,), and the first three are in units of exp(scale),
        the norm of the largest term.
        """
        # 1. The coefficients of the unit terms, as signs and logarithms.
        sign, log = signed_log(c)
        log = log + self.order * self.log_norms
        sign = np.concatenate([sign, np.ones((len(c), 1))], axis=1)  # what −1 stands for
        log = np.concatenate([log, np.zeros((len(c), 1))], axis=1)
        signs = np.prod(sign[:, self.factors], axis=2) * np.sign(self.weights)
        logs = np.sum(log[:, self.factors], axis=2) + self.logs + np.log(np.abs(self.weights))
        # 2. In units of the largest.
        top = np.max(logs, axis=1)
        scale = np.where(np.isfinite(top), top, 0.0)
        d = signs * np.exp(logs - scale[:, None])
        captured, left_out = (
            np.sqrt(np.sum((d @ part) ** 2, axis=1)) for part in (self.captured, self.left_out)
        )
        size = np.where(d == 0, 0.0, np.abs(logs))
        error = np.sum(np.abs(d) * (self.errors + 4 * _EPS * size), axis=1)
        return captured, left_out, error, scale


def _adjoints(
    problem: SensingProblem, y: FloatArray, units: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return A*(y_i) X_p of norm one, one after the other, and the logarithms of the norms."""
    adjoint = problem.operator.adjoint_matmul
    columns = np.concatenate(list(units), axis=1)  # (n, k r): one product with each A*(y_i)
    for exponent in _SCALES:
        try:
            products = np.stack([adjoint(np.ldexp(each, exponent), columns) for each in y])
        except OutOfRange:
            continue
        top = np.max(np.abs(products))
        if np.isfinite(top) and (top > _LEAST or exponent == _SCALES[-1]):
            break
    else:
        raise OutOfRange("A*(A(X_j X_kᵀ)) X_p of the generators leaves float64 in any units")
    split = products.reshape(len(y), problem.n, len(units), -1).transpose(0, 2, 1, 3)
    flat, logs = units_and_logs(np.ascontiguousarray(split).reshape(-1, *problem.shape))
    return flat, logs - exponent * LOG_2


def _orthonormal_parts(
    coordinates: FloatArray, k: int, order: int
) -> tuple[FloatArray, FloatArray]:
    """Return the powers of all rows but the first k, in the span of those and out of it.

    Which combinations of the first k are tensors at all is decided as in `orthonormal_form`.
    """
    values, vectors = np.linalg.eigh((coordinates[:k] @ coordinates[:k].T) ** order)
    kept = values > GRAM_RANK * values[-1]
    with localcontext() as context:
        context.prec = DIGITS
        exact = decimals(coordinates)
        gram = (exact @ exact.T) ** order
        rest = gram[k:, k:]
        captured: Any = np.zeros((int(np.count_nonzero(kept)), len(rest)))
        if np.any(kept):
            turn = decimals(vectors[:, kept])
            root = cholesky(turn.T @ gram[:k, :k] @ turn)
            captured = solve_lower(root, turn.T @ gram[:k, k:])
            rest = rest - captured.T @ captured
        left_out = _root(rest)
    return captured.astype(np.float64).T, left_out.astype(np.float64)


def _root(gram: Any) -> Any:
    """Return R with R Rᵀ = gram, positive semidefinite, for Decimals: Cholesky with pivots."""
    size, left, rest = len(gram), np.arange(len(gram)), gram
    columns: list[Any] = []
    while len(left):
        pivot = int(np.argmax(np.diag(rest)))
        if rest[pivot, pivot] <= _ZERO:
            break
        column = rest[:, pivot] / rest[pivot, pivot].sqrt()
        columns.append(np.full(size, Decimal(0), dtype=object))
        columns[-1][left] = column
        # The pivot's own row is done.
        others = np.delete(np.arange(len(left)), pivot)
        left, column = left[others], column[others]
        rest = rest[np.ix_(others, others)] - np.outer(column, column)
    return np.array(columns, dtype=object).reshape(len(columns), size).T
