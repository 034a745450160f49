"""How wrong the lifted objective on a span may be by rounding, from the problem taken as exact."""

from __future__ import annotations

from typing import Any

import numpy as np

from lift_compare.sensing.tolerances import NOISE
from lift_compare.sensing.validation import FloatArray

from .gram import GramData
from .quartic import Quartic
from .units import Units

_EPS = float(np.finfo(np.float64).eps)


def error_quartic(gram_data: GramData, units: Units) -> Quartic:
    """Return the quartic whose value at |c| bounds the rounding error of h^l and its gain at c.

    Its coefficients are bounds of the errors of those of h^l. An inner product K of measurements
    is wrong by some ε of the measurements' norms, however small K itself is, and its l-th power by
    l times as much; l log K is rounded as well, and so is the sum of all terms. Entries that leave
    float64 are inf.
    """
    order, log_b = units.order, units.log_measurements
    K, B = gram_data.of_generators(order)
    norms = gram_data.norms(K)
    terms = 2 * len(B) ** 2 + 8  # of the sums of a value, one after the other
    scales = units.log_scales[:, None] + units.log_scales
    # The scales of generators and operator may cancel in `log_scales`; their roundings do not.
    metric = units.log_metric / 2
    size = np.abs(units.log_scales - metric) + np.abs(metric)
    sizes = size[:, None] + size
    # What `of_generators` takes as zero may be as large as NOISE.
    product = np.multiply.outer(norms, norms)
    wrong_K = np.where(K == 0, NOISE * product, 0.0) + 2 * gram_data.error * gram_data.largest
    wrong_B = np.where(B == 0, NOISE * norms, 0.0) + gram_data.error

    def bound(x: FloatArray, wrong: FloatArray, log_scale: FloatArray, size: Any) -> Any:
        """Bound the error of (x exp(log_scale))^l, for x that is wrong by up to `wrong`."""
        with np.errstate(divide="ignore", over="ignore", under="ignore", invalid="ignore"):
            most = np.abs(x) + wrong
            log = np.log(most)
            relative = order * wrong / most + _EPS * (2 * order * (np.abs(log) + size + 2) + terms)
            return np.where(most > 0, relative * np.exp(order * (log + log_scale)), 0.0)

    size_b = np.abs(log_b)
    quartic = bound(
        K,
        wrong_K,
        scales[:, :, None, None] + scales + log_b,
        sizes[:, :, None, None] + sizes + size_b,
    )
    quadratic = bound(B, wrong_B, scales + log_b, sizes + size_b)
    # ‖b‖² is a sum of m products.
    constant = bound(np.ones(1), np.full(1, _EPS * gram_data.terms), np.array([log_b]), size_b)
    return Quartic(quartic.reshape(len(B) ** 2, -1), -quadratic, float(constant[0]))
