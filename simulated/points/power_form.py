"""The lifted curvature along a power, q_l(V), as a function on the unit sphere of R^{n×r}.

    q_l(V) = ½ ⟨vec(V)^{⊗l}, ∇²h^l(ŵ)[vec(V)^{⊗l}]⟩ = K₁^l − K₂^l + 2 K₃^l

with K_i = ⟨V, N_i V⟩ and N₃ = P (docs/theory.md, section 10). At high order q_l is flat but for
narrow wells. Two functions tell the same and are not: `margin`, which has its sign, and
f = ± log|q_l| / l, which falls where q_l does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from lift_compare.sensing.floats import norm
from lift_compare.sensing.validation import FloatArray

from ..signed_log import signed_log, signed_log_sum
from .landscape_forms import LandscapeForms, form_values

_WEIGHTS = np.array([1.0, -1.0, 2.0])  # of K₁^l, K₂^l and K₃^l in q_l


def margin(K: FloatArray, order: float) -> float:
    """Return a number of the size of the K with the sign of q_l(V).

    With the positive terms of q_l on one side and the negative ones on the other it is

        ‖(K₁⁺, K₃, K₃, K₂⁻)‖_l − ‖(K₂⁺, K₁⁻)‖_l,         x⁺ = max(x, 0), x⁻ = max(−x, 0),

    and for l = ∞ the same of maxima. Where it is negative it stays so at every higher order.
    """
    above = (max(K[0], 0.0), K[2], K[2], max(-K[1], 0.0))
    below = (max(K[1], 0.0), max(-K[0], 0.0))
    return power_norm(above, order) - power_norm(below, order)


def power_norm(numbers: Iterable[float], order: float) -> float:
    """Return (Σ x_i^l)^{1/l} of numbers x_i ≥ 0; their maximum for l = ∞."""
    x = [float(each) for each in numbers]
    top = max(x)
    if top == 0 or order == math.inf:
        return top
    return float(top * math.fsum((each / top) ** order for each in x) ** (1 / order))


def log_value(K: FloatArray, order: int) -> tuple[float, float]:
    """Return the sign of q_l and log|q_l|, in the units of the forms."""
    signs, logs = signed_log(K)
    terms = order * logs + np.log(np.abs(_WEIGHTS))
    sign, log = signed_log_sum(signs * np.sign(_WEIGHTS), terms)
    return float(sign), float(log)


@dataclass(frozen=True, eq=False)
class PowerForm:
    """f = ± log|q_l| / l around one V on the sphere, with the sign of q_l: value and derivatives.

    With s the sign of q_l and g_i, h_i the weights below, the Euclidean derivatives are

        ∇f      = 2 Σ g_i N_i V                                          g_i = w_i K_i^{l−1} / |q_l|
        ∇²f[D] = 2 Σ g_i N_i D + 4 (l−1) Σ h_i ⟨N_i V, D⟩ N_i V − s l ⟨∇f, D⟩ ∇f

    with h_i = w_i K_i^{l−2} / |q_l| and w = (1, −1, 2); on the sphere they are projected, and
    ⟨∇f, V⟩ D is taken off.

    Attributes
    ----------
    V : array (n, r)
        The point, of unit norm.
    K : array (3,)
        K₁, K₂, K₃.
    sign, log : float
        The sign of q_l(V), 0 where it is zero to rounding, and log|q_l(V)|.
    """

    forms: LandscapeForms
    order: int
    V: FloatArray
    products: FloatArray
    K: FloatArray
    sign: float
    log: float

    @classmethod
    def at(cls, forms: LandscapeForms, order: int, V: FloatArray) -> PowerForm:
        """Return f around V / ‖V‖."""
        V = V / norm(V)
        products = forms.products(V)
        K = form_values(V, products)
        return cls(forms, order, V, products, K, *log_value(K, order))

    @property
    def height(self) -> float:
        """f(V), which falls where q_l falls as long as its sign stays."""
        return self.sign * self.log / self.order

    def is_below(self, other: PowerForm) -> bool:
        """Whether q_l is lower here."""
        return (self.sign, self.height) < (other.sign, other.height)

    def model(self) -> Model:
        """Return gradient and Hessian on the sphere; V must not be where q_l is zero."""
        size = np.abs(self.K).max()
        ratios = self.K / size
        total = abs(float(_WEIGHTS @ ratios**self.order))
        g = _WEIGHTS * ratios ** (self.order - 1) / (size * total)
        # At order 1 h is multiplied by zero.
        h = _WEIGHTS * ratios ** max(self.order - 2, 0) / (size * size * total)
        gradient = 2 * np.tensordot(g, self.products, axes=1)
        terms = 2 * float(np.abs(g) @ [norm(product) for product in self.products])
        return Model(self, g, h, gradient, float(np.vdot(gradient, self.V)), terms)


@dataclass(frozen=True, eq=False)
class Model:
    """The second-order model of f on the sphere around V."""

    at: PowerForm
    g: FloatArray
    h: FloatArray
    euclidean: FloatArray
    radial: float  # ⟨∇f, V⟩
    terms: float

    @property
    def gradient(self) -> FloatArray:
        """∇f on the sphere, shape (n, r)."""
        return np.asarray(self.euclidean - self.radial * self.at.V)

    @property
    def relative_gradient_norm(self) -> float:
        """Norm of the gradient on the sphere, in units of the terms of ∇f."""
        return float(norm(self.gradient) / self.terms) if self.terms > 0 else 0.0

    def hessian(self, D: FloatArray) -> FloatArray:
        """Return ∇²f[D] on the sphere, for D orthogonal to V."""
        p, V = self.at, self.at.V
        along = np.tensordot(p.products, D, axes=2)
        bent = 4 * (p.order - 1) * np.tensordot(self.h * along, p.products, axes=1)
        straight = 2 * np.tensordot(self.g, p.forms.products(D), axes=1)
        steep = p.sign * p.order * float(np.vdot(self.euclidean, D)) * self.euclidean
        H = straight + bent - steep
        return np.asarray(H - float(np.vdot(H, V)) * V - self.radial * D)
