"""The lifted objective of a sum of powers whose generators move.

The mathematics: docs/theory.md, section 12.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.floats import finite, normalised, silently
from lift_compare.sensing.operators import unchecked_products
from lift_compare.sensing.problem import checked_problem
from lift_compare.sensing.tolerances import VALUE_ROUNDING
from lift_compare.sensing.validation import FloatArray, OutOfRange, odd_order, real_array

from ..signed_log import LOG_2, signed_log, to_float

_SCALES = (0, -250, 250, -500, 500)
"""Binary exponents of the factors of a product, tried in turn: the first with which it is in range
counts. Those but 0 are for operators whose matrices are next to the ends of float64."""

_LEAST = 2.0**-500
"""Products up to this are computed again in a larger scale: digits may have underflowed."""

_HUGE = 1e260
"""Where a descent is so far outside, in units of ‖b‖^{2l}, it is told no larger numbers."""

_CACHE = 2_000_000
"""Numbers of A(X_j X_kᵀ), or entries of matrices, of the starts that are evaluated together."""


class _Terms(NamedTuple):
    """What value and gradient share, for s starts of P pairs j ≤ k; see `_terms`.

    K (s, P, P) and B (s, P) are in units of their largest magnitude, or of ‖b‖² where they vanish.
    Its logarithm is log_top (s,); over ‖b‖² it is ratio (s,), 0 or inf where this leaves float64.
    The measurements are y (s, P, m) times 2^t, t (s,), in the units of the b that is kept.
    x (s, k, n, r) is X 2^−exponents.
    """

    K: FloatArray
    B: FloatArray
    log_top: FloatArray
    ratio: FloatArray
    y: FloatArray
    t: FloatArray
    x: FloatArray
    exponents: FloatArray


class GeneratorObjective:
    """h^l of w = Σ_j vec(X_j)^{⊗l} as a function of the matrices X_1 .. X_k.

    With y_jk = A(X_j X_kᵀ), K(j,k;p,q) = ⟨y_jk, y_pq⟩ and B(j,k) = ⟨y_jk, b⟩,

        h^l      = ½ [Σ_jkpq K(j,k;p,q)^l − 2 Σ_jk B(j,k)^l + ‖b‖^{2l}]
        ∂h^l/∂X_t = 2 Σ_j A*(D_tj) X_j,   D_jk = l [Σ_pq K(j,k;p,q)^{l−1} y_pq − B(j,k)^{l−1} b]

    (docs/theory.md, section 12). l is odd, so coefficients
    would add nothing: c vec(X)^{⊗l} is the power of c^{1/l} X. One generator at l = 1 is h itself.

    An evaluation takes k(k+1)/2 measurements and as many products with A*, and O(k⁴ m) besides.
    Nothing of size n×n is formed unless the operator does.

    Parameters
    ----------
    problem : SensingProblem
        The problem.
    order : int
        The odd lifting order l.

    Raises
    ------
    TypeError, ValueError
        For an order that is not odd, or outside 1..1001.

    Notes
    -----
    All methods take generators of shape (k, n, r), or (..., k, n, r) for many starts at once, and
    raise a TypeError or ValueError for other shapes and numbers that are not finite. Powers are
    taken of ratios to the largest term, so that they work at any order and scale: `value`,
    `gradient` and `gain` raise OverflowError where the result is beyond float64 or below it,
    `log_value` and `scaled` do not.

    Examples
    --------
    >>> from lift_compare import sensing, simulated
    >>> problem = sensing.two_by_two()
    >>> pair = [[[0.0], [0.5**0.5]], [[0.3], [0.1]]]
    >>> lifted = simulated.GeneratorObjective(problem, order=3)
    >>> lifted.value(pair) < lifted.value(pair[:1])  # a second generator lowers h³
    True
    >>> lifted.gradient(pair).shape
    (2, 2, 1)
    """

    def __init__(self, problem: SensingProblem, order: int) -> None:
        self.problem, self.order = checked_problem(problem), odd_order(order)
        self._products = unchecked_products(problem.operator)
        self._b, self._unit = normalised(problem.measurements)
        self.log_unit = float(self.order * (np.log(self._b @ self._b) + 2 * self._unit * LOG_2))
        """Logarithm of ‖b‖^{2l}, twice the value at zero: the natural unit of h^l."""

    def __repr__(self) -> str:
        return f"GeneratorObjective({self.problem!r}, order {self.order})"

    def value(self, generators: Any) -> Any:
        """Return h^l: a float, or an array for many starts.

        Next to a zero of h^l its terms cancel, down to about l 1e-15 of ‖b‖^{2l}; what is below
        that is returned as 0.
        """
        value, log_scale, lead = self._values(generators)
        sign, log = signed_log(np.maximum(value, 0.0))
        return _shaped(to_float(sign, log + log_scale, "h^l", "use .log_value"), lead)

    def log_value(self, generators: Any) -> Any:
        """Return log h^l, −inf where h^l is zero to rounding; it works at any order."""
        value, log_scale, lead = self._values(generators)
        return _shaped(signed_log(np.maximum(value, 0.0))[1] + log_scale, lead)

    def gain(self, generators: Any) -> Any:
        """Return h^l(0) − h^l = Σ B^l − ½ Σ K^l.

        At high order h^l may equal ½ ‖b‖^{2l} to all digits wherever the generators go; the gain
        keeps them.
        """
        gain, log_scale, lead = self._gains(generators)
        sign, log = signed_log(gain)
        return _shaped(to_float(sign, log + log_scale, "the gain", "use .scaled"), lead)

    def gradient(self, generators: Any) -> FloatArray:
        """Return ∂h^l/∂X_t in the shape of the generators."""
        _, gradient, log_scale = self.scaled(generators)
        sign, log = signed_log(gradient)
        logs = log + np.asarray(log_scale)[..., None, None, None]
        return to_float(sign, logs, "the gradient of h^l", "use .scaled", axes=3)

    @silently
    def scaled(self, generators: Any) -> tuple[Any, FloatArray, Any]:
        """Return (−gain, gradient, log scale): both divided by exp(log scale), for each start.

        The scale is the largest term of the gain, so nothing overflows at any order. For a descent
        −gain does what h^l does: they differ by the constant ½ ‖b‖^{2l}.
        """
        X, lead = self._starts(generators)
        parts = []
        for part in self._groups(X):
            terms = self._terms(part)
            parts.append((*self._scaled(terms), self.order * terms.log_top))
        gain, gradient, log_scale = (np.concatenate(each) for each in zip(*parts, strict=True))
        finite("the gradient of h^l in units of its largest term", gradient)
        gradient = gradient.reshape(*lead, *X.shape[1:])
        return _shaped(-gain, lead), gradient, _shaped(log_scale, lead)

    def relative(self, X: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return −gain and its gradient in units of ‖b‖^{2l}, for X of shape (s, k, n, r).

        For loops: nothing is checked. Far outside, where they leave float64, both are huge.
        """
        terms = self._terms(X)
        gain, gradient = self._scaled(terms)
        factor = np.minimum(terms.ratio**self.order, _HUGE)
        return -gain * factor, gradient * factor[:, None, None, None]

    # The terms -----------------------------------------------------------------------------------

    @silently
    def _values(self, generators: Any) -> tuple[FloatArray, FloatArray, tuple[int, ...]]:
        """Return h^l, the logarithm of its scale, and the axes of starts."""
        X, lead = self._starts(generators)
        rows = []
        for part in self._groups(X):
            terms = self._terms(part)
            gain, size = self._gain(terms)
            # In units of the largest term: of the gain, or ‖b‖^{2l}.
            unit = np.minimum(terms.ratio, 1.0) ** self.order
            constant = (1 / np.maximum(terms.ratio, 1.0)) ** self.order
            value = constant / 2 - gain * unit
            # What cancels down to rounding is no value.
            rounding = VALUE_ROUNDING * self.order * (size * unit + constant)
            value = np.where(np.abs(value) > rounding, value, 0.0)
            log_scale = np.where(terms.ratio > 1, self.order * terms.log_top, self.log_unit)
            rows.append((value, log_scale))
        value, log_scale = (np.concatenate(each) for each in zip(*rows, strict=True))
        return value, log_scale, lead

    @silently
    def _gains(self, generators: Any) -> tuple[FloatArray, FloatArray, tuple[int, ...]]:
        """Return the gain, the logarithm of its scale, and the axes of starts."""
        X, lead = self._starts(generators)
        terms = [self._terms(part) for part in self._groups(X)]
        gain = np.concatenate([self._gain(each)[0] for each in terms])
        return gain, self.order * np.concatenate([each.log_top for each in terms]), lead

    def _gain(self, terms: _Terms) -> tuple[FloatArray, FloatArray]:
        """Return the gain in units of its largest term to the l, and the size of its terms."""
        weights = _pairs(terms.x.shape[1])[2]
        quartic, quadratic = terms.K**self.order, terms.B**self.order

        def gain(K: FloatArray, B: FloatArray) -> FloatArray:
            return np.asarray(B @ weights - (K @ weights) @ weights / 2)

        return gain(quartic, quadratic), gain(-np.abs(quartic), np.abs(quadratic))

    def _scaled(self, terms: _Terms) -> tuple[FloatArray, FloatArray]:
        """Return the gain and the gradient of −gain, in units of the largest term to the l."""
        power, (_, k, _, r) = self.order - 1, terms.x.shape
        rows, cols, weights = _pairs(k)
        # 1. D = ∂h^l/∂y for each pair, up to units: the larger of its two terms is about one.
        quartic, quadratic = weights * terms.K**power, terms.B**power
        sizes = np.stack([np.abs(quartic).max(axis=(1, 2)), np.abs(quadratic).max(axis=1)])
        powers = np.frexp(sizes)[1] + np.stack([terms.t, 0 * terms.t])
        unit = np.max(np.where(sizes > 0, powers, -(2**20)), axis=0)
        D = np.ldexp(quartic, (terms.t - unit)[:, None, None]) @ terms.y
        D -= np.ldexp(quadratic, -unit[:, None])[..., None] * self._b
        # 2. A*(D_tj) takes X_j to the row of t, and X_t to that of j.
        both = np.concatenate([terms.x[:, cols], terms.x[:, rows]], axis=-1)
        product, exponent = self._in_range(1, D, both)
        gradient = np.zeros(terms.x.shape)
        for p, (t, j) in enumerate(zip(rows, cols, strict=True)):
            gradient[:, t] += product[:, p, :, :r]
            if j != t:
                gradient[:, j] += product[:, p, :, r:]
        # 3. The units of D and X, one after the other: each may be far from one.
        logs = np.log(2.0 * self.order) - terms.log_top
        logs = logs + (terms.exponents + unit + self._unit - 2 * exponent) * LOG_2
        half = np.exp(logs / 2)[:, None, None, None]
        return self._gain(terms)[0], gradient * half * half

    def _terms(self, X: FloatArray) -> _Terms:
        """Measure the pairs; all units are taken out as powers of two, then the largest number."""
        k = X.shape[1]
        rows, cols, _ = _pairs(k)
        # 1. y = A(x_j x_kᵀ), for x with entries up to one.
        exponents = np.frexp(np.abs(X).max(axis=(1, 2, 3)))[1]
        x = np.ldexp(X, -exponents[:, None, None, None])
        y, exponent = self._in_range(0, x[:, rows], x[:, cols])
        of_y = np.frexp(np.abs(y).max(axis=(1, 2)))[1]
        y = np.ldexp(y, -of_y[:, None, None])
        # 2. K and B: t is the power of two between y and b, if y is not zero.
        t = of_y + 2 * (exponents - exponent) - self._unit
        t = np.where(np.any(y, axis=(1, 2)), t, 0)
        products = y @ np.swapaxes(y, -1, -2), y @ self._b
        sizes = np.stack([np.abs(part).reshape(len(X), -1).max(axis=1) for part in products])
        mantissas, powers = np.frexp(sizes)
        powers = powers + np.stack([2 * t, t])
        unit = np.max(np.where(sizes > 0, powers, -(2**20)), axis=0)
        top = np.max(np.ldexp(mantissas, powers - unit), axis=0)
        square, some = self._b @ self._b, top > 0
        top, unit = np.where(some, top, square), np.where(some, unit, 0)
        K = np.ldexp(products[0], (2 * t - unit)[:, None, None]) / top[:, None, None]
        B = np.ldexp(products[1], (t - unit)[:, None]) / top[:, None]
        log_top = np.log(top) + (unit + 2 * self._unit) * LOG_2
        return _Terms(K, B, log_top, np.ldexp(top / square, unit), y, t, x, exponents)

    def _in_range(self, which: int, left: FloatArray, right: FloatArray) -> tuple[FloatArray, int]:
        """Return the products of both factors times 2^e, and e: no digit of them is lost.

        Which products: see `_product`.
        """
        # A zero factor has nothing to lose.
        zero = ~(np.any(left, axis=tuple(range(1, left.ndim))) & np.any(right, axis=(1, 2, 3)))
        best: tuple[FloatArray, int] | None = None
        for exponent in _SCALES:
            if best is not None and exponent < best[1]:
                continue  # smaller scales are for products that overflow, and lose digits of others
            try:
                product = self._product(which, np.ldexp(left, exponent), np.ldexp(right, exponent))
            except OutOfRange:
                continue
            top = np.abs(product).max(axis=tuple(range(1, product.ndim)))
            if not np.isfinite(top).all():
                continue
            if best is None or np.any(top > 0):
                best = product, exponent
            if np.all((top > _LEAST) | zero):
                break
        if best is None:
            raise OutOfRange("the products of the generators leave float64 in any units")
        return best

    def _product(self, which: int, left: FloatArray, right: FloatArray) -> FloatArray:
        """Return measurements (0) or products with A* (1) of all starts and pairs.

        As one stack: matrix products of many starts then are one large product, not many.
        """
        lead = left.shape[:2]
        together = (each.reshape(-1, *each.shape[2:]) for each in (left, right))
        product = self._products[which](*together)
        return product.reshape(*lead, *product.shape[1:])

    def _starts(self, generators: Any) -> tuple[FloatArray, tuple[int, ...]]:
        X = real_array("generators", generators, (..., None, *self.problem.shape))
        return X.reshape(-1, *X.shape[-3:]), X.shape[:-3]

    def _groups(self, X: FloatArray) -> list[FloatArray]:
        """Return the starts in groups whose measurements fit into a cache."""
        pairs = X.shape[1] * (X.shape[1] + 1) // 2
        group = max(1, _CACHE // (pairs * max(self.problem.m, X[0, 0].size)))
        return np.array_split(X, -(-len(X) // group))


@cache
def _pairs(k: int) -> tuple[Any, Any, FloatArray]:
    """Return the pairs j ≤ k of generators, and how often each occurs in a sum over all."""
    rows, cols = np.triu_indices(k)
    return rows, cols, np.where(rows == cols, 1.0, 2.0)


def _shaped(values: FloatArray, lead: tuple[int, ...]) -> Any:
    return float(values[0]) if lead == () else values.reshape(lead)
