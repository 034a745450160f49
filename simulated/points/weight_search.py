"""The search for the weights of a certificate: a concave function of one number.

The three weights of w₁N₁ + w₂N₂ + w₃P run along a path, of which the least eigenvalue is a concave
function. Its eigenvector V at one place bounds it at all others by ⟨w, K(V)⟩, a cut; where the cuts
on both sides of the maximum meet is the next place to look. On the paths of docs/theory.md, section
10,

    λ_min(w₁N₁ + w₂N₂ + w₃P) ≤ ⟨w, K(V)⟩,

so a V whose margin is negative ends the search: it is a direction of negative curvature.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from lift_compare.sensing.floats import norm
from lift_compare.sensing.tolerances import VALUE_ROUNDING
from lift_compare.sensing.validation import FloatArray

from .landscape_forms import LandscapeForms, form_values
from .power_form import margin

_EIGENVALUES = 60  # eigenvalues in one search at most
_HALVINGS = 60
_ANGLES = 180
_NARROW = 1e-3  # part of the bracket by which the next place keeps away from its ends


class Path(NamedTuple):
    """Weights w(s) and their derivative w'(s), for s from `start` to 1."""

    weights: Callable[[float], FloatArray]
    slope: Callable[[float], FloatArray]
    start: float = 0.0


class Search(NamedTuple):
    """Where the least eigenvalue is largest, as far as it was looked for.

    It holds if that is not negative beyond `tolerance`. `direction` has a negative margin, if one
    such was met.
    """

    holds: bool
    weights: FloatArray
    eigenvalue: float
    residual: float
    tolerance: float
    direction: FloatArray | None


class _Cut(NamedTuple):
    """The eigenvector at one place of the path, which bounds the eigenvalue at all others."""

    place: float
    value: float
    residual: float
    V: FloatArray
    K: FloatArray

    def bound(self, path: Path, s: float) -> float:
        return float(path.weights(s) @ self.K)

    def rises(self, path: Path, s: float) -> bool:
        return float(path.slope(s) @ self.K) > 0


def admissible(order: float, *, swapped: bool = False, start: float = 0.0) -> Path:
    """Return the path (a, −1, c), or (1, −a, c) if swapped, for a from `start` to 1.

    c = 2^{1/l} (1 − a^{l'})^{1/l'} with l' = l/(l − 1), and c = 1 − a for l = ∞.
    """
    inverse = 1 / order  # 0 for l = ∞
    conjugate, root = 1 / (1 - inverse), 2**inverse

    def placed(a: float, constant: float, c: float) -> FloatArray:
        return np.array([constant, -a, c] if swapped else [a, -constant, c])

    def weights(a: float) -> FloatArray:
        return placed(a, 1.0, root * max(0.0, 1 - a**conjugate) ** (1 - inverse))

    def slope(a: float) -> FloatArray:
        rest = 1 - a**conjugate
        # At a = 1 the slope is infinite but for l = ∞; any large number has its sign.
        steep = rest ** (-inverse) if rest > 0 else 1 / VALUE_ROUNDING if inverse else 1.0
        return placed(1.0, 0.0, -root * a ** (conjugate - 1) * steep)

    return Path(weights, slope, start)


def segment(first: FloatArray, last: FloatArray) -> Path:
    """Return the straight path from the first weights to the last."""
    return Path(lambda s: (1 - s) * first + s * last, lambda s: last - first)


def constant(*weights: float) -> Path:
    """Return the path that stays at one place."""
    w = np.array(weights, dtype=float)
    return Path(lambda s: w, lambda s: np.zeros(3), 1.0)


def search(forms: LandscapeForms, order: float, path: Path) -> Search:
    """Return weights on a path whose matrix is positive semidefinite, or the best ones found."""
    enough = forms.resolution
    right = _cut(forms, path, 1.0)
    left = right if path.start == 1 else _cut(forms, path, path.start)
    best = max(right, left, key=lambda cut: cut.value)
    for _ in range(_EIGENVALUES):
        found = _result(forms, path, best)
        if found.holds:
            return found
        for cut in (left, right):
            if margin(cut.K, order) < -enough:
                return found._replace(direction=cut.V)
        if not left.rises(path, left.place):
            break  # and from there on the eigenvalue falls
        s, bound = _highest(path, left, right)
        if bound < -enough:
            return found._replace(direction=_between(forms, order, left.V, right.V, -enough))
        width = right.place - left.place
        if width <= VALUE_ROUNDING:
            break
        s = min(max(s, left.place + _NARROW * width), right.place - _NARROW * width)
        middle = _cut(forms, path, s)
        best = max(best, middle, key=lambda cut: cut.value)
        left, right = (middle, right) if middle.rises(path, s) else (left, middle)
    return _result(forms, path, best)


def _cut(forms: LandscapeForms, path: Path, s: float) -> _Cut:
    pairs = forms.least(path.weights(s))
    V = pairs.vectors[0]
    K = form_values(V, forms.products(V))
    return _Cut(s, float(pairs.values[0]), pairs.residual, V, K)


def _result(forms: LandscapeForms, path: Path, best: _Cut) -> Search:
    weights = path.weights(best.place)
    error = forms.error(weights)
    return Search(best.value >= -error, weights, best.value, best.residual, error, None)


def _highest(path: Path, left: _Cut, right: _Cut) -> tuple[float, float]:
    """Return where the lower of two bounds is highest between them, and how high."""
    low, high = left.place, right.place
    for _ in range(_HALVINGS):
        s = (low + high) / 2
        lower = min(left, right, key=lambda cut: cut.bound(path, s))
        low, high = (s, high) if lower.rises(path, s) else (low, s)
    return s, max(min(cut.bound(path, x) for cut in (left, right)) for x in (low, high))


def _between(
    forms: LandscapeForms, order: float, V: FloatArray, W: FloatArray, below: float
) -> FloatArray | None:
    """Return the combination of two eigenvectors with the least margin, if it is below a number.

    Where the least eigenvalue has a kink neither of its two eigenvectors need have a negative
    margin; the one between them does for which both slopes cancel.
    """
    basis = np.linalg.qr(np.stack([V.ravel(), W.ravel()], axis=1))[0]
    vectors = basis.T.reshape(2, *V.shape)
    small = np.einsum("iknr,jnr->kij", forms.products(vectors), vectors)
    angles = np.pi * np.arange(_ANGLES) / _ANGLES
    ways = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    K = np.einsum("ai,kij,aj->ak", ways, small, ways)
    K[:, 2] = np.maximum(K[:, 2], 0.0)
    margins = margin(K, order)
    best = int(np.argmin(margins))
    if margins[best] >= below:
        return None
    found = np.tensordot(ways[best], vectors, axes=1)
    return np.asarray(found / norm(found))
