"""The lifted objective on a span of rank-one powers, exactly and without a lift.

The mathematics: docs/theory.md, sections 2 and 6.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import FloatArray, odd_order, real_array

from ..signed_log import LARGEST_LOG, signed_log, signed_log_sum, to_float
from .gram import GramData
from .log_quartic import LogQuartic
from .orthonormal import OrthonormalForm, orthonormal_form
from .quartic import Quartic
from .units import Units

_REMEDY = "use .normalised(), .log_value(c) or .log_gain(c)"


class SpanEvaluation:
    """h^l on a span of powers, from Gram data in some units; see `SpanObjective`.

    The same quartic is kept in three ways. In signs and logarithms it is always there, and slow. In
    plain numbers, and in an orthonormal basis of the span, it is there where all of its numbers fit
    into float64; evaluations take that, and fall back.
    """

    def __init__(self, generators: FloatArray, gram_data: GramData, units: Units) -> None:
        self.generators, self.gram_data, self.units = generators, gram_data, units
        self.order = units.order

    def __len__(self) -> int:
        return len(self.generators)

    def __repr__(self) -> str:
        k, n, r = self.generators.shape
        return f"SpanObjective({k} generators of shape ({n}, {r}), order {self.order})"

    # The quartic, in three ways ------------------------------------------------------------------

    @cached_property
    def log_quartic(self) -> LogQuartic:
        """The quartic in signs and logarithms; a zero is (0, −inf)."""
        order, unit = self.order, self.units.log_measurements
        pair = self.units.log_scales[:, None] + self.units.log_scales
        K, B = self.gram_data.of_generators(order)
        sign_K, log_K = signed_log(K)
        sign_B, log_B = signed_log(B)
        log_K = order * (log_K + pair[:, :, None, None] + pair + unit)
        return LogQuartic(sign_K, log_K, sign_B, order * (log_B + pair + unit), order * unit)

    @cached_property
    def quartic(self) -> Quartic | None:
        """The quartic in plain numbers, or None if one of them is out of range.

        A margin is left, so that products with moderate coefficients stay in range too.
        """
        q = self.log_quartic
        metric = self.order * (2 * self.units.log_scales - self.units.log_metric)
        constant = np.array([q.log_constant])
        logs = np.concatenate([q.quartic_logs.ravel(), q.quadratic_logs.ravel(), constant, metric])
        if np.any(np.abs(logs[np.isfinite(logs)]) > 0.85 * LARGEST_LOG):
            return None
        K = (q.quartic_signs * np.exp(q.quartic_logs)).reshape(len(self) ** 2, -1)
        B = q.quadratic_signs * np.exp(q.quadratic_logs)
        return Quartic(K, B, float(np.exp(q.log_constant)))

    @cached_property
    def orthonormal(self) -> OrthonormalForm | None:
        """The quartic in an orthonormal basis of the span, where steps are well conditioned.

        None if it does not fit into float64.
        """
        form = self._any_orthonormal
        return form if self.quartic is not None and form.finite else None

    @cached_property
    def _any_orthonormal(self) -> OrthonormalForm:
        """`orthonormal`, whether or not its numbers fit."""
        unit, metric = self.units.log_measurements, self.units.log_metric
        with np.errstate(over="ignore", invalid="ignore"):
            return orthonormal_form(
                self.gram_data.rows,
                self.gram_data.K * np.exp(2 * metric + unit),
                self.gram_data.B * np.exp(metric + unit),
                float(np.exp(self.order * unit)),
                self.order,
            ).rescaled(self.order * (self.units.log_scales - metric / 2))

    @cached_property
    def gram(self) -> FloatArray:
        """Γ_jk = ⟨X_j, X_k⟩^l, shape (k, k); OverflowError if an entry leaves float64."""
        sign, log = signed_log(self.gram_data.rows @ self.gram_data.rows.T)
        s = self.units.log_scales - self.units.log_metric / 2
        logs = self.order * (log + s[:, None] + s)
        return to_float(sign, logs, "the Gram matrix", "use .normalised().gram")

    # Values --------------------------------------------------------------------------------------

    def value(self, c: Any) -> Any:
        """Return h^l(w): a float, or an array for a batch; OverflowError beyond float64."""
        c = self._coefficients(c)
        if self.quartic is not None:
            value = self.quartic.value(c)
            if np.all(np.isfinite(value)):
                return _scalar(np.maximum(value, 0.0))
        return _scalar(to_float(np.ones(c.shape[:-1]), self.log_value(c), "h^l", _REMEDY))

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
        if self.quartic is not None:
            gain = self.quartic.gain(c)
            if np.all(np.isfinite(gain)):
                return _scalar(gain)
        return _scalar(to_float(*self.log_quartic.gain(c), "the gain", _REMEDY))

    def log_gain(self, c: Any) -> tuple[Any, Any]:
        """Return (sign, log|gain|) of `gain`; it works at any order."""
        sign, log = self.log_quartic.gain(self._coefficients(c))
        return _scalar(sign), _scalar(log)

    def rounding(self, c: Any) -> Any:
        """Return a bound of the rounding error of `value` and `gain` at c, or inf.

        It is 1e-15 times the sum of the magnitudes of the terms. OverflowError if the powers do not
        fit into float64.
        """
        return _scalar(self._plain("the rounding of h^l").rounding(self._coefficients(c)))

    # Derivatives ---------------------------------------------------------------------------------

    def gradient(self, c: Any) -> FloatArray:
        """Return γ_t = ⟨∇h^l(w), vec(X_t)^{⊗l}⟩, shape (..., k): the derivative of h^l in c."""
        c = self._coefficients(c)
        if self.quartic is not None:
            gradient = self.quartic.gradient(c)
            if np.all(np.isfinite(gradient)):
                return gradient
        return to_float(*self.log_quartic.gradient(c), "the gradient", _REMEDY)

    def projected_gradient(self, c: Any) -> FloatArray:
        """Return Γ⁺ γ(c), the coordinates of Π_S ∇h^l(w), shape (..., k).

        Γ⁺ is the pseudo-inverse in the coordinates of the unit generators X_j/‖X_j‖ (see
        `orthonormal_form` for its tolerance). Where Γ is singular, coordinates are not unique, but
        the tensor Π_S ∇h^l(w) is.
        """
        c = self._coefficients(c)
        form = self.orthonormal
        if form is not None:
            with np.errstate(over="ignore", invalid="ignore"):
                projected = form.quartic.gradient(c @ form.into.T) @ form.back.T
            if np.all(np.isfinite(projected)):
                return np.asarray(projected)
        sign, log = self.log_quartic.gradient(c)
        unit_back = self._any_orthonormal.unit_back
        sign_P, log_P = signed_log(unit_back @ unit_back.T)
        s = self.order * (self.units.log_scales - self.units.log_metric / 2)
        logs = log_P - s[:, None] - s + log[..., :, None]
        total = signed_log_sum(sign_P * sign[..., :, None], logs, axis=-2)
        return to_float(*total, "the projected gradient", _REMEDY)

    def hessian(self, c: Any) -> FloatArray:
        """Return the second derivative of h^l in c, shape (..., k, k).

        OverflowError if the powers do not fit into float64.
        """
        return self._plain("the Hessian").gradient_and_hessian(self._coefficients(c))[1]

    def along(self, c: Any, d: Any) -> FloatArray:
        """Return the coefficients of t⁰ .. t⁴ of the quartic t ↦ h^l(w_c + t w_d), shape (..., 5).

        OverflowError if the powers do not fit into float64.
        """
        quartic = self._plain("the quartic along a line")
        along = quartic.along(self._coefficients(c), self._coefficients(d))
        if not np.all(np.isfinite(along)):
            raise OverflowError(f"the quartic along a line is beyond float64; {_REMEDY}")
        return along

    # Units ---------------------------------------------------------------------------------------

    def normalised(self) -> SpanEvaluation:
        """Return the same objective in natural units: h^l / ‖b‖^{2l}, each generator rescaled.

        Generator j becomes s_j X_j with the s_j > 0 that minimises h(s X_j), where B(j,j) > 0;
        otherwise the one with ‖A(s² X_j X_jᵀ)‖ = ‖b‖. A stationary X̂ keeps its scale. Coefficients
        of natural size are then of order one at any lifting order; `units.coefficients_for`
        converts them.

        Inner products of tensors (`gram`, `projected_gradient`) are in units of the largest
        ‖s_j X_j‖^{2l}, so the path of projected descent is the same, with its step size in other
        units: `units.step_size_for` converts it.
        """
        natural = Units.natural(self.order, *self.gram_data.of_generators(self.order))
        factors = np.exp(natural.log_scales - self.units.log_scales)
        generators = self.generators * factors[:, None, None]
        return SpanEvaluation(generators, self.gram_data, natural)

    def _plain(self, what: str) -> Quartic:
        if self.quartic is None:
            raise OverflowError(f"{what} needs powers beyond float64; {_REMEDY}")
        return self.quartic

    def _coefficients(self, value: Any) -> FloatArray:
        c: FloatArray = np.asarray(value, dtype=np.float64)
        if c.shape[-1:] != (len(self),):
            raise ValueError(
                f"c: expected an array of shape (..., {len(self)}), got shape {c.shape}"
            )
        if not np.all(np.isfinite(c)):
            raise ValueError("c: expected finite coefficients")
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
    fit raises OverflowError. `normalised` gives the same objective in units where values and
    natural coefficients are of order one, at any order.

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
        For generators of the wrong shape or not finite, or an order that is not odd and positive.

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
        X = real_array("generators", generators, (None, *problem.shape))
        units = Units.as_given(problem, X, odd_order(order))
        super().__init__(X, GramData.measured(problem, X), units)


def _scalar(value: FloatArray) -> Any:
    return float(value) if np.ndim(value) == 0 else value
