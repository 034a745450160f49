"""The lifted curvature along powers, q_l(V), as a function on the unit sphere of R^{n×r}.

    q_l(V) = ½ ⟨vec(V)^{⊗l}, ∇²h^l(ŵ)[vec(V)^{⊗l}]⟩ = K₁^l − K₂^l + 2 K₃^l

with K_i = ⟨V, N_i V⟩ and N₃ = P (docs/theory.md, section 11). At high order q_l is flat but for
narrow wells. Two functions tell the same and are not: `margin`, which has its sign, and
f = ± log|q_l| / l, which falls where q_l does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lift_compare.sensing.tolerances import VALUE_ROUNDING
from lift_compare.sensing.validation import FloatArray

from ..signed_log import signed_log, signed_log_sum
from .landscape_forms import LandscapeForms, form_values

_WEIGHTS = np.array([1.0, -1.0, 2.0])  # of K₁^l, K₂^l and K₃^l in q_l


def margin(K: FloatArray, order: float) -> FloatArray:
    """Return numbers of the size of the K, shape (..., 3), with the sign of q_l(V).

    With the positive terms of q_l on one side and the negative ones on the other it is

        ‖(K₁⁺, K₃, K₃, K₂⁻)‖_l − ‖(K₂⁺, K₁⁻)‖_l,         x⁺ = max(x, 0), x⁻ = max(−x, 0),

    and for l = ∞ the same of maxima. Where it is negative it stays so at every higher order.
    """
    plus, minus = np.maximum(K, 0.0), np.maximum(-K, 0.0)
    above = np.stack([plus[..., 0], plus[..., 2], plus[..., 2], minus[..., 1]], axis=-1)
    below = np.stack([plus[..., 1], minus[..., 0]], axis=-1)
    return power_norm(above, order) - power_norm(below, order)


def power_norm(x: FloatArray, order: float) -> FloatArray:
    """Return (Σ x_i^l)^{1/l} of numbers x_i ≥ 0 in the last axis; their maximum for l = ∞."""
    top = np.max(x, axis=-1)
    if order == math.inf:
        return np.asarray(top)
    ratios = x / np.where(top > 0, top, 1.0)[..., None]
    return np.asarray(top * np.sum(ratios**order, axis=-1) ** (1 / order))


def rounding_of(K: FloatArray, order: int) -> FloatArray:
    """Return the logarithm of the rounding of q_l: l times that of its terms."""
    logs = order * signed_log(K)[1] + np.log(np.abs(_WEIGHTS))
    _, most = signed_log_sum(np.ones_like(logs), logs)
    return np.asarray(most + math.log(order * VALUE_ROUNDING))


@dataclass(frozen=True, eq=False)
class PowerForm:
    """f = ± log|q_l| / l, with the sign of q_l, around k points of the sphere.

    Attributes
    ----------
    forms, order : LandscapeForms, int
        N₁, N₂ and P; l.
    V : array (k, n, r)
        The points, of unit norm.
    products : array (k, 3, n, r)
        N₁V, N₂V, PV.
    K : array (k, 3)
        K₁, K₂, K₃.
    sign, log : array (k,)
        The sign of q_l, 0 where it is zero to rounding, and log|q_l| in the units of the forms.
    """

    forms: LandscapeForms
    order: int
    V: FloatArray
    products: FloatArray
    K: FloatArray
    sign: FloatArray
    log: FloatArray

    @classmethod
    def at(cls, forms: LandscapeForms, order: int, V: FloatArray) -> PowerForm:
        """Return f around each V / ‖V‖, for V of shape (k, n, r)."""
        V = V / np.linalg.norm(V, axis=(1, 2), keepdims=True)
        products = forms.products(V)
        K = form_values(V, products)
        signs, logs = signed_log(K)
        logs = order * logs + np.log(np.abs(_WEIGHTS))
        sign, log = signed_log_sum(signs * np.sign(_WEIGHTS), logs)
        # Zero to rounding: q_l beside its terms, or the K beside the forms.
        zero = log <= rounding_of(K, order)
        zero |= np.abs(K).max(axis=1) <= forms.resolution
        return cls(forms, order, V, products, K, np.where(zero, 0.0, sign), log)

    @property
    def height(self) -> FloatArray:
        """The f of each point, which falls where q_l falls as long as its sign stays."""
        return self.sign * self.log / self.order

    @property
    def rounding(self) -> FloatArray:
        """The logarithm of the rounding of each q_l, in the units of the forms."""
        return rounding_of(self.K, self.order)

    @property
    def is_saddle(self) -> npt.NDArray[np.bool_]:
        """Whether q_l < 0 beyond the rounding of the forms."""
        return np.asarray(margin(self.K, self.order) < -self.forms.resolution, dtype=np.bool_)

    def ascending(self) -> npt.NDArray[np.intp]:
        """Return the numbers of the points in ascending order of q_l."""
        return np.lexsort((self.height, self.sign))

    def __getitem__(self, index: npt.NDArray[Any]) -> PowerForm:
        """Return f around some of the points."""
        parts = (self.V, self.products, self.K, self.sign, self.log)
        return PowerForm(self.forms, self.order, *(part[index] for part in parts))

    def replaced(self, index: npt.NDArray[Any], other: PowerForm) -> PowerForm:
        """Return f around the points of another at some places, and the same points elsewhere."""
        pairs = (
            (self.V, other.V),
            (self.products, other.products),
            (self.K, other.K),
            (self.sign, other.sign),
            (self.log, other.log),
        )
        return PowerForm(self.forms, self.order, *(_replaced(a, index, b) for a, b in pairs))


def _replaced(old: FloatArray, index: npt.NDArray[Any], new: FloatArray) -> FloatArray:
    result = old.copy()
    result[index] = new
    return result


class SphereModel:
    """Gradient and Hessian of f on the sphere, at the k points of a `PowerForm` where q_l ≠ 0.

    With s the sign of q_l, the Euclidean derivatives are

        ∇f      = 2 Σ g_i N_i V                                          g_i = w_i K_i^{l−1} / |q_l|
        ∇²f[D] = 2 Σ g_i N_i D + 4 (l−1) Σ h_i ⟨N_i V, D⟩ N_i V − s l ⟨∇f, D⟩ ∇f

    with h_i = w_i K_i^{l−2} / |q_l| and w = (1, −1, 2); on the sphere they are projected, and
    ⟨∇f, V⟩ D is taken off.

    Attributes
    ----------
    gradient : array (k, n, r)
        ∇f on the sphere.
    relative_norm : array (k,)
        Its norm, in units of the terms of ∇f.
    """

    def __init__(self, at: PowerForm) -> None:
        self.at = at
        size = np.abs(at.K).max(axis=1, keepdims=True)
        ratios = at.K / size
        total = np.abs(ratios**at.order @ _WEIGHTS)[:, None]
        self._g = _WEIGHTS * ratios ** (at.order - 1) / (size * total)
        # At order 1 h is multiplied by zero.
        self._h = _WEIGHTS * ratios ** max(at.order - 2, 0) / (size * size * total)
        self._euclidean = 2 * _combined(self._g, at.products)
        self._radial = _dot(self._euclidean, at.V)
        self.gradient = self._euclidean - self._radial * at.V
        lengths = np.linalg.norm(at.products, axis=(2, 3))
        # At least two, because ‖N_i V‖ ≥ |K_i| and the terms of q_l are together no less than q_l.
        terms = 2 * np.sum(np.abs(self._g) * lengths, axis=1)
        self.relative_norm = np.linalg.norm(self.gradient, axis=(1, 2)) / terms

    def hessian(self, D: FloatArray) -> FloatArray:
        """Return ∇²f[D] on the sphere for each D orthogonal to its V, shape (k, n, r)."""
        at, V = self.at, self.at.V
        along = np.sum(at.products * D[:, None], axis=(2, 3))
        H = 2 * at.forms.combined(self._g, D)
        H += 4 * (at.order - 1) * _combined(self._h * along, at.products)
        H -= (at.sign * at.order)[:, None, None] * _dot(self._euclidean, D) * self._euclidean
        return np.asarray(H - _dot(H, V) * V - self._radial * D)


def _dot(A: FloatArray, B: FloatArray) -> FloatArray:
    """Return the k inner products, shape (k, 1, 1)."""
    return np.asarray(np.sum(A * B, axis=(1, 2), keepdims=True))


def _combined(weights: FloatArray, products: FloatArray) -> FloatArray:
    """Return Σ_i weights_i products_i for each of k: (k, 3), (k, 3, n, r) -> (k, n, r)."""
    return np.asarray(np.sum(weights[:, :, None, None] * products, axis=1))
