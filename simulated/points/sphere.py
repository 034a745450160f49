"""Minimise q_l on the unit sphere by Newton steps in a trust region.

The steps solve the Newton equation by conjugate gradients, up to the edge of the region or a
direction of negative curvature (Steihaug; Absil, Baker, Gallivan 2007 on manifolds), so that only
products with the forms are needed, and the last steps converge quadratically, to rounding.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from lift_compare.sensing import StopReason
from lift_compare.sensing.floats import norm
from lift_compare.sensing.tolerances import SPHERE_GRADIENT, VALUE_ROUNDING
from lift_compare.sensing.validation import FloatArray

from .landscape_forms import LandscapeForms
from .power_form import Model, PowerForm

_FIRST_RADIUS, _LARGEST_RADIUS, _LEAST_RADIUS = 0.5, 1.5, 1e-4
_INNER = 60  # conjugate gradient steps at most


class Minimum(NamedTuple):
    """Where a minimisation of q_l on the sphere ended, and why."""

    at: PowerForm
    gradient_norm: float
    iterations: int
    stop_reason: StopReason


def minimise_on_sphere(
    forms: LandscapeForms, order: int, start: FloatArray, max_iterations: int = 300
) -> Minimum:
    """Return a local minimum of q_l on the sphere, not above the start of shape (n, r)."""
    here, radius = PowerForm.at(forms, order, start), _FIRST_RADIUS
    left = 0.0
    for iteration in range(max_iterations):
        if here.sign == 0:  # to rounding; the logarithm ends here
            return Minimum(here, 0.0, iteration, StopReason.CONVERGED)
        model = here.model()
        left = model.relative_gradient_norm
        if left <= SPHERE_GRADIENT:
            return Minimum(here, left, iteration, StopReason.CONVERGED)
        step, promised = _newton_step(model, radius)
        there, length = PowerForm.at(forms, order, here.V + step), float(norm(step))
        if promised <= VALUE_ROUNDING * max(1.0, abs(here.height)):
            # The value cannot tell any more: a step is good if it makes the gradient smaller.
            if there.sign != here.sign or there.model().relative_gradient_norm >= left / 2:
                return Minimum(here, left, iteration, StopReason.CONVERGED)
            here = there
            continue
        if there.sign == here.sign:
            kept = (here.height - there.height) / promised
        else:
            kept = math.copysign(math.inf, here.sign - there.sign)
        if kept < 0.25:
            radius = length / 4
        elif kept > 0.75 and length > 0.99 * radius:
            radius = min(2 * radius, _LARGEST_RADIUS)
        if kept > 0:
            here = there
        if radius < _LEAST_RADIUS * VALUE_ROUNDING:
            return Minimum(here, left, iteration, StopReason.NO_DECREASE)
    return Minimum(here, left, max_iterations, StopReason.ITERATIONS)


def _newton_step(model: Model, radius: float) -> tuple[FloatArray, float]:
    """Return a step inside the region that lowers the model, and by how much it does."""
    gradient = model.gradient
    z, Hz = np.zeros_like(gradient), np.zeros_like(gradient)
    residual, way = gradient, -gradient
    square = float(np.vdot(residual, residual))
    enough = math.sqrt(square) * min(0.1, math.sqrt(model.relative_gradient_norm))
    for _ in range(min(_INNER, model.at.forms.dimension)):
        along = model.hessian(way)
        curvature = float(np.vdot(way, along))
        edge = _to_the_edge(z, way, radius)
        if curvature <= 0 or square / curvature >= edge:
            z, Hz = z + edge * way, Hz + edge * along
            break
        size = square / curvature
        z, Hz, residual = z + size * way, Hz + size * along, residual + size * along
        before, square = square, float(np.vdot(residual, residual))
        if math.sqrt(square) <= enough:
            break
        way = (square / before) * way - residual
    return z, -float(np.vdot(gradient, z) + np.vdot(z, Hz) / 2)


def _to_the_edge(z: FloatArray, way: FloatArray, radius: float) -> float:
    """Return the t ≥ 0 with ‖z + t way‖ = radius."""
    a, b, zz = (float(np.vdot(x, y)) for x, y in ((way, way), (z, way), (z, z)))
    return (math.sqrt(b * b + a * max(radius**2 - zz, 0.0)) - b) / a
