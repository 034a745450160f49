"""The units of a span of powers, as logarithms: l-th powers of scales soon leave float64."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lift_compare.sensing.tolerances import NATURAL_SCALE
from lift_compare.sensing.validation import FloatArray, exponential, positive

from ..signed_log import LARGEST_LOG, signed_log, to_float
from .gram import GramData


@dataclass(frozen=True, eq=False)
class Units:
    """The scales that `GramData` leaves out.

    Attributes
    ----------
    order : int
        The odd order l: powers of the scales below are taken to it.
    log_scales : array (k,)
        Generator j is exp(log_scales_j) (‖b‖/a)^½ times a unit generator, with the size a of the
        operator (`GramData`): a unit generator has then measurements of the size of b.
    log_measurements : float
        ‖b‖² = exp(log_measurements).
    log_metric : float
        The inner product of generators j and k is exp(log_scales_j + log_scales_k − log_metric)
        times that of the unit generators.
    """

    order: int
    log_scales: FloatArray
    log_measurements: float
    log_metric: float

    @classmethod
    def as_given(cls, log_norms: FloatArray, gram_data: GramData, order: int) -> Units:
        """Return the units of generators with these norms, and of measurements as they stand."""
        log_metric = gram_data.log_operator - gram_data.log_measurements
        log_scales = np.where(np.isfinite(log_norms), log_norms + log_metric / 2, 0.0)
        return cls(order, log_scales, 2 * gram_data.log_measurements, log_metric)

    @classmethod
    def natural(cls, order: int, K: FloatArray, B: FloatArray) -> Units:
        """Return the units in which values and natural coefficients are of order one.

        Generator j is scaled to the s_j > 0 that minimises h(s X_j), where B(j,j) > 0; otherwise to
        the one with ‖A(s² X_j X_jᵀ)‖ = ‖b‖. The measurements have norm one, and inner products are
        in units of the largest ‖s_j X_j‖².

        Parameters
        ----------
        order : int
            The odd order l.
        K, B : array (k, k, k, k), (k, k)
            Those of the unit generators (`GramData.of_generators`).
        """
        own_K, own_B = np.einsum("jjjj->j", K), np.diag(B)
        measured = np.sqrt(np.maximum(own_K, 0.0))
        # Rounding can leave A(X_j X_jᵀ) of an invisible generator with a square of zero, or below.
        fits = (own_K > 0) & (own_B > NATURAL_SCALE * measured)
        square = np.where(fits, own_B, 1.0)
        square = square / np.where(fits, own_K, np.where(measured > 0, measured, 1.0))
        log_scales = 0.5 * np.log(square)
        return cls(order, log_scales, 0.0, 2 * float(np.max(log_scales)))

    def coefficients_for(self, other: Units, c: Any) -> FloatArray:
        """Return the coefficients of the same tensor in other units, for c of shape (..., k).

        OverflowError if they do not fit into float64.
        """
        sign, log = signed_log(np.asarray(c, dtype=np.float64))
        shift = self.order * (self.log_scales - other.log_scales)
        return to_float(sign, log + shift, "a coefficient", axes=1)

    def step_size_for(self, other: Units, step_size: float) -> float:
        """Return the step size that makes the same projected step in other units.

        OverflowError if it does not fit into float64.
        """
        log = np.log([positive("step_size", step_size)]) + self.log_step_for(other)
        remedy = other.rescaling() or self.rescaling()
        return float(to_float(np.ones(1), log, "the step size", remedy)[0])

    def rescaling(self) -> str:
        """Return by what to divide A and b where their l-th powers leave float64, or "".

        With A and b divided by one number X stays as it is, with b alone X is divided by its root.
        The better of the two leaves ‖b‖ / a, the square of a point, closer to one. If b fits, and
        ‖b‖ / a does not, A alone is divided.
        """
        largest = self.order * max(abs(self.log_measurements), abs(self.log_metric))
        if largest <= LARGEST_LOG or not np.isfinite(largest):  # infinite where A or b is zero
            return ""
        log_b = self.log_measurements / 2
        log_a = self.log_metric + log_b
        if self.order * abs(self.log_measurements) <= LARGEST_LOG:
            said = (
                f"divide A by {exponential(log_a)} (its size), multiply X and Z by the root of that"
            )
        elif abs(self.log_metric) < abs(log_a):
            return (
                f"divide A and b by {exponential(log_b)} (the size of b), which is the same problem"
            )
        else:
            said = f"divide b by {exponential(log_b)} (its size), and X and Z by the root of that"
        return f"{said}, which is the same problem in other units"

    def log_step_for(self, other: Units) -> float:
        """Return the logarithm of the factor of `step_size_for`."""
        shift = self.log_measurements - other.log_measurements + self.log_metric - other.log_metric
        return self.order * shift
