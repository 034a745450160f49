"""The lifted objective on a span of rank-one powers, exactly and without a lift.

The mathematics: docs/theory.md, sections 2 and 6.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.problem import checked_problem
from lift_compare.sensing.validation import (
    FloatArray,
    InvalidValue,
    OutOfRange,
    odd_order,
    real_array,
)

from ..signed_log import signed_log, signed_log_sum, times_exp, to_float, units_and_logs
from .forms import SpanForms
from .gram import GramData
from .quartic import Quartic
from .rounding import error_quartic
from .units import Units

_SMALLER = "take a smaller step or ρ"
_REMEDY = ", or, of a SpanObjective, take .normalised(), .log_value(c) or .log_gain(c)"


class SpanEvaluation(SpanForms):
    """h^l on a span of powers, from Gram data in some units; see `SpanObjective`.

    Evaluations take the plain quartic, or that in an orthonormal basis, where it is there and
    nothing underflows at c, and fall back to logarithms.
    """

    def __len__(self) -> int:
        return len(self.generators)

    def __repr__(self) -> str:
        k, n, r = self.generators.shape
        return f"SpanObjective({k} generators of shape ({n}, {r}), order {self.order})"

    @cached_property
    def _error_quartic(self) -> Quartic:
        return error_quartic(self.gram_data, self.units)

    # Values --------------------------------------------------------------------------------------

    def value(self, c: Any) -> Any:
        """Return h^l(w): a float, or an array for a batch.

        OverflowError beyond float64, and where h^l is not zero but below it. Next to a zero of h^l
        its terms cancel, and `rounding` says what is left.
        """
        c = self._coefficients(c)
        if self.quartic is None:
            value, plain = np.zeros(c.shape[:-1]), np.zeros(c.shape[:-1], dtype=bool)
        else:
            value = np.asarray(np.maximum(self.quartic.value(c), 0.0))
            largest = np.max(np.abs(c), axis=-1)
            plain = np.isfinite(value) & (largest <= self.quartic.largest_coefficient)
        if not np.all(plain):
            logs = np.asarray(self.log_value(c[~plain]))
            value[~plain] = to_float(np.ones(logs.shape), logs, "h^l", self._remedy)
        return _scalar(value)

    def log_value(self, c: Any) -> Any:
        """Return log h^l(w), −inf where h^l is zero to rounding. It works at any order."""
        sign, log = self.log_quartic.value(self._coefficients(c))
        return _scalar(np.where(sign > 0, log, -np.inf))

    def gain(self, c: Any) -> Any:
        """Return h^l(0) − h^l(w) = Σ c_j c_k B^l − ½ Σ c_j c_k c_p c_q K^l.

        At high order h^l may equal ½ ‖b‖^{2l} to all digits wherever the descent goes; the gain
        keeps them. OverflowError if it does not fit into float64.
        """
        c = self._coefficients(c)
        if self.quartic is not None and self.quartic.no_underflow(c):
            gain = self.quartic.gain(c)
            if np.all(np.isfinite(gain)):
                return _scalar(gain)
        return _scalar(to_float(*self.log_quartic.gain(c), "the gain", self._remedy))

    def log_gain(self, c: Any) -> tuple[Any, Any]:
        """Return (sign, log|gain|) of `gain`, (0, −inf) where it is zero; it works at any order."""
        sign, log = self.log_quartic.gain(self._coefficients(c))
        return _scalar(sign), _scalar(np.where(sign == 0, -np.inf, log))

    def rounding(self, c: Any) -> Any:
        """Return a bound of the rounding error of `value` and `gain` at c, or inf.

        It takes the numbers of the problem and the generators as exact. OverflowError if the powers
        do not fit into float64.
        """
        self._plain("the rounding of h^l")
        c = np.abs(self._coefficients(c))
        return _scalar(np.nan_to_num(self._error_quartic.value(c), nan=np.inf, posinf=np.inf))

    def noise(self, c: Any) -> Any:
        """Return what rounding may leave of the difference of two values near c, or inf.

        It is 1e-15 times the sum of the magnitudes of the terms: less than `rounding`, because the
        errors of the coefficients are the same in both. OverflowError if the powers do not fit into
        float64.
        """
        noise = self._plain("the noise of h^l").rounding(self._coefficients(c))
        return _scalar(np.nan_to_num(noise, nan=np.inf, posinf=np.inf))

    # Derivatives ---------------------------------------------------------------------------------

    def gradient(self, c: Any) -> FloatArray:
        """Return γ_t = ⟨∇h^l(w), vec(X_t)^{⊗l}⟩, shape (..., k): the derivative of h^l in c.

        OverflowError if it does not fit into float64.
        """
        c = self._coefficients(c)
        if self.quartic is not None and self.quartic.no_underflow(c):
            gradient = self.quartic.gradient(c)
            if np.all(np.isfinite(gradient)):
                return gradient
        return to_float(*self.log_quartic.gradient(c), "the gradient", self._remedy, axes=1)

    def projected_gradient(self, c: Any) -> FloatArray:
        """Return Γ⁺ γ(c), the coordinates of Π_S ∇h^l(w), shape (..., k).

        Γ⁺ is the pseudo-inverse in the coordinates of the unit generators X_j/‖X_j‖ (see
        `orthonormal_form` for its tolerance). Where Γ is singular, coordinates are not unique, but
        the tensor Π_S ∇h^l(w) is. OverflowError if it does not fit into float64.
        """
        c = self._coefficients(c)
        plain = self._plain_projected(c)
        if plain is not None:
            return plain
        return to_float(*self.log_projected(c), "the projected gradient", self._remedy, axes=1)

    @np.errstate(under="ignore")  # beside the largest part
    def log_projected(self, c: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return signs and logarithms of `projected_gradient`; it works at any order."""
        # 1. In natural units, where more fits, and nearly parallel generators do no harm.
        natural, s = self.natural, self.units
        try:
            there = natural._plain_projected(s.coefficients_for(natural.units, c))
        except OverflowError:
            there = None
        if there is not None:
            sign, log = signed_log(there)
            shift = self.order * (natural.units.log_scales - s.log_scales)
            return sign, log + shift + s.log_step_for(natural.units)
        # 2. Term by term.
        sign, log = self.log_quartic.gradient(c)
        unit_back = natural.any_orthonormal.unit_back
        sign_P, log_P = signed_log(unit_back @ unit_back.T)
        scales = self.order * (s.log_scales - s.log_metric / 2)
        logs = log_P - scales[:, None] - scales + log[..., :, None]
        return signed_log_sum(sign_P * sign[..., :, None], logs, axis=-2)

    def _plain_projected(self, c: FloatArray) -> FloatArray | None:
        """Return `projected_gradient` from plain numbers, or None where they do not fit."""
        form = self.orthonormal
        if form is None:
            return None
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            u = c @ form.into.T
            projected = form.quartic.gradient(u) @ form.back.T
            safe = np.abs(u).max(axis=-1) > form.quartic.least_length
        if np.isfinite(projected).all() and (safe | ~np.any(c, axis=-1)).all():
            return np.asarray(projected)
        return None

    def hessian(self, c: Any) -> FloatArray:
        """Return the second derivative of h^l in c, shape (..., k, k).

        OverflowError if the powers do not fit into float64.
        """
        c = self._coefficients(c)
        hessian = self._plain("the Hessian", c).gradient_and_hessian(c)[1]
        return self._finite("the Hessian", hessian)

    def along(self, c: Any, d: Any) -> FloatArray:
        """Return the coefficients of t⁰ .. t⁴ of the quartic t ↦ h^l(w_c + t w_d), shape (..., 5).

        OverflowError if the powers do not fit into float64.
        """
        what, c, d = "the quartic along a line", self._coefficients(c), self._coefficients(d)
        return self._finite(what, self._plain(what, c, d).along(c, d))

    # Units ---------------------------------------------------------------------------------------

    def normalised(self) -> SpanEvaluation:
        """Return the same objective in natural units: h^l / ‖b‖^{2l}, each generator rescaled.

        Generator j becomes s_j X_j with the s_j > 0 that minimises h(s X_j), where B(j,j) > 0;
        otherwise the one with ‖A(s² X_j X_jᵀ)‖ = ‖b‖. A stationary X̂ keeps its scale. Coefficients
        of natural size are then of order one at any lifting order; `units.coefficients_for`
        converts them.

        Inner products of tensors (`gram`, `projected_gradient`) are in units of the largest
        ‖s_j X_j‖^{2l}, so the path of projected descent is the same, with its step size in other
        units: `units.step_size_for` converts it. OverflowError if a rescaled generator leaves
        float64.
        """
        natural = self.natural.units
        factors = natural.log_scales - self.units.log_scales
        generators = times_exp(self.generators, factors, "a generator in natural units")
        return SpanEvaluation(generators, self.gram_data, natural)

    @cached_property
    def natural(self) -> SpanEvaluation:
        """The objective in natural units, with the generators as they are here."""
        natural = Units.natural(self.order, *self.gram_data.of_generators(self.order))
        return SpanEvaluation(self.generators, self.gram_data, natural)

    # Where plain numbers do ----------------------------------------------------------------------

    def _plain(self, what: str, *coefficients: FloatArray) -> Quartic:
        """Return the quartic in plain numbers, if the largest terms of it at c are within range."""
        largest = (np.max(np.abs(c), axis=-1) for c in coefficients)
        if self.quartic is None or not all(map(self.quartic.no_underflow, largest)):
            raise OutOfRange(f"{what} needs powers beyond float64; {self._remedy}")
        return self.quartic

    @property
    def _remedy(self) -> str:
        """What to do where a number leaves float64: no step nor ρ mends the size of A and b."""
        return (self.units.rescaling() or _SMALLER) + _REMEDY

    def _finite(self, what: str, array: FloatArray) -> FloatArray:
        if not np.all(np.isfinite(array)):
            raise OutOfRange(f"{what} is beyond float64; {self._remedy}")
        return array

    def _coefficients(self, value: Any) -> FloatArray:
        c: FloatArray = np.asarray(value, dtype=np.float64)
        if c.shape[-1:] != (len(self),):
            raise InvalidValue(
                f"c: expected an array of shape (..., {len(self)}), got shape {c.shape}"
            )
        if not np.all(np.isfinite(c)):
            raise InvalidValue("c: expected finite coefficients")
        return c


class SpanObjective(SpanEvaluation):
    """h^l restricted to w = Σ_j c_j vec(X_j)^{⊗l}, a quartic in the k coefficients c.

    With y_jk = A(X_j X_kᵀ), K(j,k;p,q) = ⟨y_jk, y_pq⟩ and B(j,k) = ⟨y_jk, b⟩,

        h^l(w)                        = ½ [Σ c_j c_k c_p c_q K(j,k;p,q)^l − 2 Σ c_j c_k B(j,k)^l
                                           + ‖b‖^{2l}]
        ⟨∇h^l(w), vec(X_t)^{⊗l}⟩      = 2 [Σ c_j c_k c_p K(j,k;p,t)^l − Σ c_p B(p,t)^l]
        ⟨vec(X_j)^{⊗l}, vec(X_k)^{⊗l}⟩ = Γ_jk = ⟨X_j, X_k⟩^l

    The k (k+1)/2 measurements y_jk are taken once; after that nothing depends on n, r or m, and an
    evaluation costs O(k⁴) whatever l is.

    Powers grow like x^l. Where they leave float64 the object works with signs and logarithms
    instead of plain powers: results stay correct as long as they fit, and a result that does not
    fit, or is not zero but below float64, raises OverflowError. `normalised` gives the same
    objective in units where values and natural coefficients are of order one, at any order.

    Parameters
    ----------
    problem : SensingProblem
        The problem.
    generators : array (k, n, r)
        X_1 .. X_k. A zero generator is allowed; it contributes nothing.
    order : int
        The odd lifting order l.

    Attributes
    ----------
    generators : array (k, n, r)
        As given.
    order : int
        l.
    gram : array (k, k)
        Γ.
    units : Units
        The scales of generators, measurements and steps.

    Raises
    ------
    TypeError, ValueError
        For generators of the wrong shape or not finite, or an order that is not odd, or outside
        1..1001.
    OverflowError
        If the measurements of the generators leave float64.

    Notes
    -----
    All methods take c of shape (k,) or, for a batch, (..., k).

    Examples
    --------
    >>> from lift_compare import sensing, simulated
    >>> problem = sensing.two_by_two()
    >>> directions = simulated.escape_directions(problem, [[0.0], [0.5**0.5]])
    >>> span = simulated.SpanObjective(problem, directions.generators, order=3)
    >>> round(span.value([1, 0, 0]), 7)
    0.4921875
    >>> bool(abs(span.gradient([1, 0, 0])[1]) < 1e-12)  # ŵ is stationary
    True
    """

    def __init__(self, problem: SensingProblem, generators: Any, order: int) -> None:
        X = real_array("generators", generators, (None, *checked_problem(problem).shape))
        order = odd_order(order)
        directions, log_norms = units_and_logs(X)
        data = GramData.measured(problem, directions)
        super().__init__(X, data, Units.as_given(log_norms, data, order))


def _scalar(value: FloatArray) -> Any:
    return float(value) if np.ndim(value) == 0 else value
