"""The lifted objective on a span of rank-one powers, exactly and without a lift (docs/theory.md, sections 2 and 6)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import FloatArray, odd_order, real_array

from .orthonormal import OrthonormalForm, orthonormal_form, transform
from .quartic import LogQuartic, Quartic
from .signed_log import LARGEST_LOG, signed_log, signed_log_sum, to_float

_NOISE = 1e-13
_REMEDY = "use .normalised(), .log_value(c) or .log_gain(c)"


class SpanObjective:
    """h^l restricted to w = Σ_j c_j vec(X_j)^{⊗l}, a quartic in the k coefficients c.

    With y_jk = A(X_j X_kᵀ), K(j,k;p,q) = ⟨y_jk, y_pq⟩ and B(j,k) = ⟨y_jk, b⟩,

        h^l(w)                        = ½ [Σ c_j c_k c_p c_q K(j,k;p,q)^l − 2 Σ c_j c_k B(j,k)^l + ‖b‖^{2l}]
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

    Raises
    ------
    TypeError, ValueError
        For generators of the wrong shape or not finite, or an order that is not odd and positive.

    Notes
    -----
    All methods take c of shape (k,) or, for a batch, (..., k).
    """

    def __init__(self, problem: SensingProblem, generators: Any, order: int) -> None:
        X = real_array("generators", generators, (None, *problem.shape))
        order = odd_order(order)
        norms = np.linalg.norm(X, axis=(1, 2))
        units = X / np.where(norms > 0, norms, 1.0)[:, None, None]
        b = problem.measurements
        beta = float(np.linalg.norm(b))
        # An orthonormal basis E is measured rather than the generators: where two of them are
        # nearly parallel, their difference then has its own digits. All scales are kept apart, as
        # logarithms.
        E, R = np.linalg.qr(units.reshape(len(X), -1).T)
        basis = np.ascontiguousarray(E.T).reshape(-1, *problem.shape)
        d = len(basis)
        rows, cols = np.triu_indices(d)
        y = (
            np.stack(
                [
                    problem.operator.measure(basis[i], basis[j])
                    for i, j in zip(rows, cols, strict=True)
                ]
            )
            / beta
        )
        pair = np.empty((d, d), dtype=np.intp)
        pair[rows, cols] = pair[cols, rows] = np.arange(len(rows))
        self._rows = np.ascontiguousarray(R.T)
        self._basis_K = (y @ y.T)[np.ix_(pair.ravel(), pair.ravel())].reshape(d, d, d, d)
        self._basis_B = (y @ (b / beta))[pair]
        self._K, self._B = self._of_units(order)
        self._set(X, order, np.log(np.where(norms > 0, norms, 1.0)), 2 * float(np.log(beta)), 0.0)

    def _set(
        self,
        generators: FloatArray,
        order: int,
        log_scales: FloatArray,
        log_unit: float,
        log_metric: float,
    ) -> None:
        """Set the units: X_j = exp(log_scales_j) · unit generator, ‖b‖² = exp(log_unit), ⟨·,·⟩ over exp(log_metric)."""
        self.generators, self.order = generators, order
        self._log_scales, self._log_unit, self._log_metric = log_scales, log_unit, log_metric

    def _of_units(self, order: int) -> tuple[FloatArray, FloatArray]:
        """Return K (k, k, k, k) and B (k, k) of the unit generators and unit measurements."""
        K, B, k = (
            transform(self._rows, self._basis_K),
            transform(self._rows, self._basis_B),
            len(self._rows),
        )
        if order > 1:
            # A cosine below 1e-13 between measurements is rounding, and its l-th power would only
            # widen the range.
            sizes = np.sqrt(np.maximum(np.einsum("jkjk->jk", K), 0.0))
            K[np.abs(K) < _NOISE * np.multiply.outer(sizes, sizes)] = 0.0
            B[np.abs(B) < _NOISE * sizes] = 0.0
        return np.asarray(K).reshape(k, k, k, k), B

    def __len__(self) -> int:
        return len(self.generators)

    def __repr__(self) -> str:
        k, n, r = self.generators.shape
        return f"SpanObjective({k} generators of shape ({n}, {r}), order {self.order})"

    # The powers
    # ---------------------------------------------------------------------------------------------------

    @property
    def log_powers(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Signs and logs of the coefficients K^l, shape (k, k, k, k), and B^l, shape (k, k); a zero is (0, −inf)."""
        logs = self._logs
        return logs.quartic_signs, logs.quartic_logs, logs.quadratic_signs, logs.quadratic_logs

    @cached_property
    def _logs(self) -> LogQuartic:
        """The quartic in signs and logarithms."""
        order, unit = self.order, self._log_unit
        pair = self._log_scales[:, None] + self._log_scales
        sign_K, log_K = signed_log(self._K)
        sign_B, log_B = signed_log(self._B)
        log_K = order * (log_K + pair[:, :, None, None] + pair + unit)
        return LogQuartic(sign_K, log_K, sign_B, order * (log_B + pair + unit), order * unit)

    @cached_property
    def _powers(self) -> Quartic | None:
        """The quartic in plain numbers, or None if one of them is out of range.

        A margin is left, so that products with moderate coefficients stay in range too; evaluations
        check.
        """
        q = self._logs
        metric = self.order * (2 * self._log_scales - self._log_metric)
        logs = np.concatenate(
            [q.quartic_logs.ravel(), q.quadratic_logs.ravel(), [q.log_constant], metric]
        )
        if np.any(np.abs(logs[np.isfinite(logs)]) > 0.85 * LARGEST_LOG):
            return None
        K = (q.quartic_signs * np.exp(q.quartic_logs)).reshape(len(self) ** 2, -1)
        return Quartic(
            K, q.quadratic_signs * np.exp(q.quadratic_logs), float(np.exp(q.log_constant))
        )

    def _fitting(self, what: str) -> Quartic:
        if self._powers is None:
            raise OverflowError(f"{what} needs powers beyond float64; {_REMEDY}")
        return self._powers

    @cached_property
    def _any_orthonormal(self) -> OrthonormalForm:
        """`orthonormal`, whether or not its numbers fit."""
        unit, metric = self._log_unit, self._log_metric
        with np.errstate(over="ignore", invalid="ignore"):
            return orthonormal_form(
                self._rows,
                self._basis_K * np.exp(2 * metric + unit),
                self._basis_B * np.exp(metric + unit),
                float(np.exp(self.order * unit)),
                self.order,
            ).rescaled(self.order * (self._log_scales - metric / 2))

    @property
    def orthonormal(self) -> OrthonormalForm | None:
        """The objective in an orthonormal basis of the span, where steps are well conditioned, if it fits."""
        form = self._any_orthonormal
        return form if self._powers is not None and form.finite else None

    @property
    def metric_inverse(self) -> FloatArray:
        """Γ⁺ in the coordinates c, shape (k, k); OverflowError where the powers do not fit into float64."""
        if self.orthonormal is None:
            raise OverflowError(f"the inverse of the Gram matrix is beyond float64; {_REMEDY}")
        return np.asarray(self.orthonormal.back @ self.orthonormal.back.T)

    @cached_property
    def gram(self) -> FloatArray:
        """Γ_jk = ⟨X_j, X_k⟩^l, shape (k, k); OverflowError if an entry does not fit into float64."""
        sign, log = signed_log(self._rows @ self._rows.T)
        s = self._log_scales - self._log_metric / 2
        return to_float(
            sign, self.order * (log + s[:, None] + s), "the Gram matrix", "use .normalised().gram"
        )

    # Values
    # -------------------------------------------------------------------------------------------------------

    def value(self, c: Any) -> Any:
        """Return h^l(w): a float, or an array for a batch; OverflowError if it does not fit into float64."""
        c = self._coefficients(c)
        if self._powers is not None:
            value = self._powers.value(c)
            if np.all(np.isfinite(value)):
                return _scalar(np.maximum(value, 0.0))
        return _scalar(to_float(np.ones(c.shape[:-1]), self.log_value(c), "h^l", _REMEDY))

    def rounding(self, c: Any) -> Any:
        """Return a bound of the rounding error of `value` and `gain` at c: 1e-15 times the sum of |terms|, or inf.

        OverflowError if the powers do not fit into float64.
        """
        return _scalar(self._fitting("the rounding of h^l").rounding(self._coefficients(c)))

    def log_value(self, c: Any) -> Any:
        """Return log h^l(w), −inf where h^l is zero to rounding. It works at any order."""
        sign, log = self._logs.value(self._coefficients(c))
        return _scalar(np.where(sign > 0, log, -np.inf))

    def gain(self, c: Any) -> Any:
        """Return h^l(0) − h^l(w) = Σ c_j c_k B^l − ½ Σ c_j c_k c_p c_q K^l.

        At high order h^l may equal ½ ‖b‖^{2l} to all digits wherever the descent goes; the gain
        keeps them. OverflowError if it does not fit into float64.
        """
        c = self._coefficients(c)
        if self._powers is not None:
            gain = self._powers.gain(c)
            if np.all(np.isfinite(gain)):
                return _scalar(gain)
        return _scalar(to_float(*self._logs.gain(c), "the gain", _REMEDY))

    def log_gain(self, c: Any) -> tuple[Any, Any]:
        """Return (sign, log|gain|) of `gain`; it works at any order."""
        sign, log = self._logs.gain(self._coefficients(c))
        return _scalar(sign), _scalar(log)

    # Derivatives
    # --------------------------------------------------------------------------------------------------

    def gradient(self, c: Any) -> FloatArray:
        """Return γ_t = ⟨∇h^l(w), vec(X_t)^{⊗l}⟩, shape (..., k): the derivative of h^l in c."""
        c = self._coefficients(c)
        if self._powers is not None:
            gradient = self._powers.gradient(c)
            if np.all(np.isfinite(gradient)):
                return gradient
        return to_float(*self._logs.gradient(c), "the gradient", _REMEDY)

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
        sign, log = self._logs.gradient(c)
        unit_back = self._any_orthonormal.unit_back
        sign_P, log_P = signed_log(unit_back @ unit_back.T)
        s = self.order * (self._log_scales - self._log_metric / 2)
        total = signed_log_sum(
            sign_P * sign[..., :, None], log_P - s[:, None] - s + log[..., :, None], axis=-2
        )
        return to_float(*total, "the projected gradient", _REMEDY)

    def projected_step(self, step_size: float) -> Callable[[FloatArray], FloatArray]:
        """Return c ↦ c − η Γ⁺ γ(c), the step of projected gradient descent on one c of shape (k,).

        It is meant for long runs: it does not check its argument, and what leaves float64 comes
        back as inf or NaN.
        """
        form = self.orthonormal
        if form is None:

            def step_in_logs(c: FloatArray) -> FloatArray:
                try:
                    return np.asarray(c - step_size * self.projected_gradient(c))
                except OverflowError:
                    return np.full_like(c, np.inf)

            return step_in_logs

        step, into, coefficients = form.step(step_size), form.into, form.coefficients

        def step_of_coefficients(c: FloatArray) -> FloatArray:
            u = into @ c
            return coefficients(c, u, step(u))

        return step_of_coefficients

    def projected_steps(
        self, c: FloatArray, step_sizes: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return one projected step from each c, shape (E, k), with its own step size, and h^l there, shape (E,).

        It is meant for many long runs side by side: what leaves float64 comes back as inf or NaN.
        """
        form = self.orthonormal
        if form is not None:
            with np.errstate(over="ignore", invalid="ignore"):
                u = c @ form.into.T
                new_u = u - step_sizes[:, None] * form.quartic.gradient(u)
                return form.coefficients(c, u, new_u), form.quartic.value(new_u)
        new, value = np.full_like(c, np.inf), np.full(len(c), np.inf)
        for row, (start, step_size) in enumerate(zip(c, step_sizes, strict=True)):
            try:
                new[row] = start - step_size * self.projected_gradient(start)
                value[row] = self.value(new[row])
            except (OverflowError, ValueError):
                value[row] = np.inf
        return new, value

    def hessian(self, c: Any) -> FloatArray:
        """Return the second derivative of h^l in c, shape (..., k, k); OverflowError if the powers do not fit."""
        return self._fitting("the Hessian").hessian(self._coefficients(c))

    def along(self, c: Any, d: Any) -> FloatArray:
        """Return the coefficients of t⁰ .. t⁴ of the quartic t ↦ h^l(w_c + t w_d), shape (..., 5).

        OverflowError if the powers do not fit into float64.
        """
        quartic = self._fitting("the quartic along a line").along(
            self._coefficients(c), self._coefficients(d)
        )
        if not np.all(np.isfinite(quartic)):
            raise OverflowError(f"the quartic along a line is beyond float64; {_REMEDY}")
        return quartic

    # Units
    # --------------------------------------------------------------------------------------------------------

    def normalised(self) -> SpanObjective:
        """Return the same objective in natural units: h^l / ‖b‖^{2l}, with each generator scaled along its own axis.

        Generator j becomes s_j X_j with the s_j > 0 that minimises h(s X_j), where B(j,j) > 0;
        otherwise the one with ‖A(s² X_j X_jᵀ)‖ = ‖b‖. A stationary X̂ keeps its scale. Coefficients
        of natural size are then of order one at any lifting order; `coefficients_for` converts
        them.

        Inner products of tensors (`gram`, `projected_gradient`) are in units of the largest ‖s_j
        X_j‖^{2l}, so the path of projected descent is the same, with its step size in other units:
        `step_size_for` converts it.
        """
        diagonal = np.arange(len(self))
        self_K = self._K[diagonal, diagonal, diagonal, diagonal]
        self_B = np.diag(self._B)
        measured = np.sqrt(np.maximum(self_K, 0.0))
        fits = self_B > 1e-8 * measured
        square = np.where(fits, self_B, 1.0) / np.where(
            fits, self_K, np.where(measured > 0, measured, 1.0)
        )
        log_scales = 0.5 * np.log(square)
        other = object.__new__(SpanObjective)
        other._K, other._B, other._rows = self._K, self._B, self._rows
        other._basis_K, other._basis_B = self._basis_K, self._basis_B
        generators = self.generators * np.exp(log_scales - self._log_scales)[:, None, None]
        other._set(generators, self.order, log_scales, 0.0, 2 * float(np.max(log_scales)))
        return other

    def coefficients_for(self, other: SpanObjective, c: Any) -> FloatArray:
        """Return the coefficients of the same tensor in the units of `other` (see `normalised`).

        OverflowError if they do not fit into float64.
        """
        sign, log = signed_log(self._coefficients(c))
        shift = self.order * (self._log_scales - other._log_scales)
        return to_float(sign, log + shift, "a coefficient")

    def step_size_for(self, other: SpanObjective, step_size: float) -> float:
        """Return the step size that makes the same projected step in the units of `other` (see `normalised`).

        OverflowError if it does not fit into float64.
        """
        shift = self._log_unit - other._log_unit + self._log_metric - other._log_metric
        return float(
            to_float(np.ones(1), np.log([step_size]) + self.order * shift, "the step size")[0]
        )

    def _coefficients(self, value: Any) -> FloatArray:
        c: FloatArray = np.asarray(value, dtype=np.float64)
        if c.shape[-1:] != (len(self),):
            raise ValueError(
                f"c: expected an array of shape (..., {len(self)}), got shape {c.shape}"
            )
        if not np.all(np.isfinite(c)):
            raise ValueError("c: expected finite coefficients")
        return c


def _scalar(value: FloatArray) -> Any:
    return float(value) if np.ndim(value) == 0 else value
