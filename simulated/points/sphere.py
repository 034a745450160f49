"""Minimise q_l on the unit sphere by Newton steps in a trust region, from many starts at once.

The steps solve the Newton equation by conjugate gradients, up to the edge of the region or a
direction of negative curvature (Steihaug 1983; on the sphere Absil, Baker, Gallivan 2007). So only
products with the forms are needed, and the last steps converge quadratically, to rounding.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lift_compare.sensing import StopReason
from lift_compare.sensing.tolerances import LARGE_SPHERE_GRADIENT, SPHERE_GRADIENT, VALUE_ROUNDING
from lift_compare.sensing.validation import FloatArray

from .landscape_forms import LandscapeForms
from .power_form import PowerForm, SphereModel

_IntArray = npt.NDArray[np.intp]
_BoolArray = npt.NDArray[np.bool_]

_FIRST_RADIUS, _LARGEST_RADIUS = 0.5, 1.5
_ITERATIONS, _LARGE_ITERATIONS = 300, 40
_INNER, _LARGE_INNER = 60, 30  # steps of conjugate gradients at most


class Minima(NamedTuple):
    """Where k minimisations on the sphere ended, in ascending order of q_l, and why."""

    at: PowerForm
    gradient_norms: FloatArray
    iterations: FloatArray
    stop_reasons: list[StopReason]


def minimise_on_sphere(forms: LandscapeForms, order: int, starts: FloatArray) -> Minima:
    """Return local minima of q_l on the sphere, none above its start; starts of shape (k, n, r)."""
    at = PowerForm.at(forms, order, starts)
    k = len(starts)
    radius, left, iterations = np.full(k, _FIRST_RADIUS), np.zeros(k), np.zeros(k)
    reasons = [StopReason.ITERATIONS] * k
    running: _IntArray = np.arange(k)
    dense = forms.matrices is not None
    enough = SPHERE_GRADIENT if dense else LARGE_SPHERE_GRADIENT
    for _ in range(_ITERATIONS if dense else _LARGE_ITERATIONS):
        zero = at.sign[running] == 0  # to rounding; the logarithm ends here
        left[running[zero]] = 0.0
        running = _stopped(running, zero, reasons, StopReason.CONVERGED)
        if len(running) == 0:
            break
        here = at[running]
        model = SphereModel(here)
        left[running] = model.relative_norm
        step, promised = _newton_steps(model, radius[running])
        there = PowerForm.at(forms, order, here.V + step)
        accepted, radius[running] = _judged(model, step, promised, there, radius[running])
        # Where the value cannot tell any more, a step is good if it makes the gradient smaller.
        level = promised <= VALUE_ROUNDING * np.maximum(1.0, np.abs(here.height))
        if np.any(level):
            accepted[level] = _gradient_falls(model, there, level)
        moved = running[accepted]
        at = at.replaced(moved, there[accepted])
        iterations[moved] += 1
        ended = (model.relative_norm <= enough) | (level & ~accepted)
        stuck = ~ended & ~(radius[running] >= VALUE_ROUNDING)
        _stopped(running, stuck, reasons, StopReason.NO_DECREASE)
        _stopped(running, ended, reasons, StopReason.CONVERGED)
        running = running[~(ended | stuck)]
    order_of = at.ascending()
    return Minima(
        at[order_of], left[order_of], iterations[order_of], [reasons[i] for i in order_of]
    )


def _stopped(
    running: _IntArray, which: _BoolArray, reasons: list[StopReason], reason: StopReason
) -> _IntArray:
    """Note why some of the running ones stop; return the others."""
    for i in running[which]:
        reasons[i] = reason
    return running[~which]


def _judged(
    model: SphereModel,
    step: FloatArray,
    promised: FloatArray,
    there: PowerForm,
    radius: FloatArray,
) -> tuple[_BoolArray, FloatArray]:
    """Return which steps lower q_l, and the next radii."""
    here = model.at
    change = here.height - there.height
    same = here.sign == there.sign
    kept = np.where(same, change / promised, np.where(there.sign < here.sign, np.inf, -np.inf))
    length = np.linalg.norm(step, axis=(1, 2))
    wider = (kept > 0.75) & (length > 0.99 * radius)
    radius = np.where(wider, np.minimum(2 * radius, _LARGEST_RADIUS), radius)
    return kept > 0, np.where(kept >= 0.25, radius, length / 4)


def _gradient_falls(model: SphereModel, there: PowerForm, which: _BoolArray) -> _BoolArray:
    """Return, for some of the points, whether a step halves the gradient at least."""
    after = there[which]
    same = after.sign == model.at.sign[which]
    falls = np.zeros(len(same), dtype=bool)
    if np.any(same):
        norms = SphereModel(after[same]).relative_norm
        falls[same] = norms < model.relative_norm[which][same] / 2
    return falls


def _newton_steps(model: SphereModel, radius: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return steps inside the regions that lower the models, and by how much they do."""
    residual = model.gradient
    z, Hz, way = np.zeros_like(residual), np.zeros_like(residual), -residual
    square = _dot(residual, residual)
    enough = square * np.minimum(0.01, model.relative_norm)
    going = square > 0
    forms = model.at.forms
    most = _LARGE_INNER if forms.matrices is None else _INNER
    for _ in range(min(most, forms.dimension)):
        along = model.hessian(way)
        curvature = _dot(way, along)
        edge = _to_the_edge(z, way, radius)
        size = np.where(curvature > 0, square / curvature, np.inf)
        beyond = size >= edge
        size = np.where(going, np.minimum(size, edge), 0.0)
        size = size[:, None, None]
        z, Hz, residual = z + size * way, Hz + size * along, residual + size * along
        before, square = square, _dot(residual, residual)
        going = going & ~beyond & (square > enough)
        if not np.any(going):
            break
        ratio = np.where(going, square / before, 0.0)
        way = ratio[:, None, None] * way - residual
    return z, -_dot(model.gradient, z) - _dot(z, Hz) / 2


def _to_the_edge(z: FloatArray, way: FloatArray, radius: FloatArray) -> FloatArray:
    """Return the t ≥ 0 with ‖z + t way‖ = radius, for each."""
    a, b, zz = _dot(way, way), _dot(z, way), _dot(z, z)
    root = np.sqrt(b * b + a * np.maximum(radius**2 - zz, 0.0))
    return np.asarray((root - b) / np.where(a > 0, a, 1.0))


def _dot(A: FloatArray, B: FloatArray) -> FloatArray:
    return np.asarray(np.sum(A * B, axis=(1, 2)))
