"""The units of a span of powers, as logarithms: l-th powers of scales soon leave float64."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.tolerances import NATURAL_SCALE
from lift_compare.sensing.validation import FloatArray, positive

from ..signed_log import signed_log, to_float


@dataclass(frozen=True, eq=False)
class Units:
    """The scales that `GramData` leaves out.

    Attributes
    ----------
    order : int
        The odd order l: powers of the scales below are taken to it.
    log_scales : array (k,)
        Generator j is exp(log_scales_j) times a unit generator.
    log_measurements : float
        ‖b‖² = exp(log_measurements).
    log_metric : float
        Inner products of matrices are divided by exp(log_metric).
    """

    order: int
    log_scales: FloatArray
    log_measurements: float
    log_metric: float = 0.0

    @classmethod
    def as_given(cls, problem: SensingProblem, generators: FloatArray, order: int) -> Units:
        """Return the units of generators (k, n, r) and measurements as they stand."""
        norms = np.linalg.norm(generators, axis=(1, 2))
        log_scales = np.log(np.where(norms > 0, norms, 1.0))
        return cls(order, log_scales, 2 * float(np.log(np.linalg.norm(problem.measurements))))

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
        fits = own_B > NATURAL_SCALE * measured
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
        return to_float(sign, log + shift, "a coefficient")

    def step_size_for(self, other: Units, step_size: float) -> float:
        """Return the step size that makes the same projected step in other units.

        OverflowError if it does not fit into float64.
        """
        log = np.log([positive("step_size", step_size)])
        shift = self.log_measurements - other.log_measurements + self.log_metric - other.log_metric
        return float(to_float(np.ones(1), log + self.order * shift, "the step size")[0])
