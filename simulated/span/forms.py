"""The quartic of a span of powers in three ways: plain, orthonormal, and in logarithms."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from lift_compare.sensing.validation import FloatArray

from ..signed_log import LARGEST_LOG, signed_log, to_float
from .gram import GramData
from .log_quartic import LogQuartic
from .orthonormal import OrthonormalForm, orthonormal_form
from .quartic import Quartic
from .units import Units

_MARGIN = 0.85
"""Part of the range of exponents that plain coefficients may take: terms have more factors. Which
of these fit is asked where the coefficients are known."""


class SpanForms:
    """h^l on a span of powers as a quartic in its coefficients, from Gram data in some units.

    In signs and logarithms it is always there, and slow. In plain numbers, and in an orthonormal
    basis of the span, it is there where all of its numbers fit into float64.
    """

    def __init__(self, generators: FloatArray, gram_data: GramData, units: Units) -> None:
        # A copy that nobody can change: what is computed from it is kept.
        self.generators = generators.copy()
        self.generators.setflags(write=False)
        self.gram_data, self.units = gram_data, units
        self.order = units.order

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

        A wide margin is left, so that products with coefficients stay in range too.
        """
        q = self.log_quartic
        metric = self.order * (2 * self.units.log_scales - self.units.log_metric)
        constant = np.array([q.log_constant])
        logs = np.concatenate([q.quartic_logs.ravel(), q.quadratic_logs.ravel(), constant, metric])
        if np.any(np.abs(logs[np.isfinite(logs)]) > _MARGIN * LARGEST_LOG):
            return None
        B = q.quadratic_signs * np.exp(q.quadratic_logs)
        K = (q.quartic_signs * np.exp(q.quartic_logs)).reshape(len(B) ** 2, -1)
        return Quartic(K, B, float(np.exp(q.log_constant)))

    @cached_property
    def orthonormal(self) -> OrthonormalForm | None:
        """The quartic in an orthonormal basis of the span, where steps are well conditioned.

        None if it does not fit into float64.
        """
        # The numbers of `any_orthonormal` at unit generators, which may be small or large in turn.
        unit, metric = self.units.log_measurements, self.units.log_metric
        logs = self.order * np.array([2 * metric + unit, metric + unit])
        if self.quartic is None or np.any(np.abs(logs) > _MARGIN * LARGEST_LOG):
            return None
        form = self.any_orthonormal
        return form if form.finite else None

    @cached_property
    def any_orthonormal(self) -> OrthonormalForm:
        """`orthonormal`, whether or not its numbers fit."""
        unit, metric = self.units.log_measurements, self.units.log_metric
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            return orthonormal_form(
                self.gram_data.rows,
                self.gram_data.K * np.exp(2 * metric + unit),
                self.gram_data.B * np.exp(metric + unit),
                float(np.exp(self.order * unit)),
                self.order,
            ).rescaled(self.order * (self.units.log_scales - metric / 2))

    @cached_property
    def gram(self) -> FloatArray:
        """Γ_jk = ⟨X_j, X_k⟩^l, shape (k, k); OverflowError if a norm in it leaves float64."""
        sign, log = signed_log(self.gram_data.rows @ self.gram_data.rows.T)
        s = self.units.log_scales - self.units.log_metric / 2
        logs = self.order * (log + s[:, None] + s)
        # Next to the norms on the diagonal the other entries may be as small as they are.
        name, remedy = "the Gram matrix", "use .normalised().gram"
        to_float(np.diag(sign), np.diag(logs), name, remedy)
        gram = to_float(sign, logs, name, remedy, axes=2)
        gram.setflags(write=False)
        return gram
