"""Section 5, continued: the least curvature over all tensors, and where it lies."""

from __future__ import annotations

import numpy as np

from lift_compare.sensing import StopReason

from ...tolerances import RAYLEIGH
from .case import ORACLE_RESTARTS, Case
from .claim import Finding, at_least, equal, exact, negative, property_of_instance, published
from .rounding import size
from .saddle import curvature_along_visible

_DENSE_UP_TO = 400  # side of a lifted Hessian that is formed to check its least eigenvalue


@exact("least-curvature", "least curvature", 5)
def least_is_least(case: Case) -> Finding:
    """the least eigenvalue of ∇²h^l(ŵ) over all tensors is ≤ the curvature along v̂

    `least_curvature` is an eigenpair, ∇²h^l(ŵ)[d] = λd, and not above ⟨v̂, ∇²h^l(ŵ)[v̂]⟩, as ‖v̂‖ = 1.
    """
    value, direction = case.oracle.value, np.asarray(case.oracle.direction)
    image = np.asarray(case.lifted.hessian_product(case.lifted_point, direction))
    residual = size(image - value * direction)
    need_converged(case)
    along_visible, slack = curvature_along_visible(case)[0], eigenvalue_rounding(case)
    holds = residual <= slack and value <= along_visible + slack
    left = f"‖∇²h^l(ŵ)[d] − λd‖ = {residual:.2g}"
    return Finding(holds, value, f"≤ {along_visible:.6g}", slack, left)


@exact("least-curvature-dense", "least curvature, dense", 5)
def least_against_dense(case: Case) -> Finding:
    """the same eigenvalue from the whole lifted Hessian

    The (nr)^l-sided matrix of ∇²h^l(ŵ), column by column, and all its eigenvalues.
    """
    lifted, side = case.lifted, case.entries
    formed = f"the lifted Hessian has {side}² entries; formed up to {_DENSE_UP_TO}²"
    case.need(side <= _DENSE_UP_TO, formed)
    units = np.eye(side).reshape(side, *lifted.shape)
    H = np.array([np.ravel(lifted.hessian_product(case.lifted_point, unit)) for unit in units])
    expected = float(np.linalg.eigvalsh((H + H.T) / 2)[0])
    need_converged(case)
    return equal(case.oracle.value, expected, eigenvalue_rounding(case))


@property_of_instance("lifted-saddle", "lifted saddle", 5)
def lifted_saddle(case: Case) -> Finding:
    """ŵ is a strict saddle of h^l along some tensor

    The sign of the least eigenvalue of ∇²h^l(ŵ) over all tensors.
    """
    case.need_stationary()
    value, slack = case.oracle.value, case.rounding.hessian(case.lifted_length)
    if value >= -slack:
        need_converged(case)
    return negative(value, slack)


@published("oracle-alignment-visible", "oracle alignment: visible", 5)
def alignment_with_visible(case: Case) -> Finding:
    """the least eigenvector of ∇²h^l(ŵ) is v̂

    The cosine of the angle between them; at least 0.99 counts as the same direction.
    """
    _need_oracle_direction(case)
    b = np.asarray(case.lifted.lift(case.directions.visible))
    return at_least(abs(float(np.sum(np.asarray(case.oracle.direction) * b))), 0.99)


@published("oracle-alignment-span", "oracle alignment: span", 5)
def alignment_with_span(case: Case) -> Finding:
    """the least eigenvector of ∇²h^l(ŵ) lies in S

    ‖Π_S d‖ / ‖d‖ of the oracle direction d; at least 0.99 counts as inside.
    """
    _need_oracle_direction(case)
    return at_least(case.captured(np.asarray(case.oracle.direction)), 0.99)


def _need_oracle_direction(case: Case) -> None:
    """Premise: there are directions to escape along, and ∇²h^l(ŵ) has a negative eigenvalue."""
    case.need_negative_eigenvalue()
    need_converged(case)
    is_saddle = case.oracle.value < -case.rounding.hessian(case.lifted_length)
    case.need(is_saddle, "∇²h^l(ŵ) has no negative eigenvalue: there is no oracle direction")


def need_converged(case: Case) -> None:
    """Premise: the least eigenpair was found; one that is not is only an upper bound of it."""
    found = case.oracle
    why = (
        f"the least eigenvalue was not found: ≤ {found.value:.4g} after {ORACLE_RESTARTS} restarts"
    )
    case.need(found.stop_reason is StopReason.CONVERGED, why)


def eigenvalue_rounding(case: Case) -> float:
    """Return the accuracy of the least lifted eigenvalue: that of the search, and rounding."""
    rounding = case.rounding.hessian(case.lifted_length)
    return RAYLEIGH * case.lifted_hessian_scale + rounding
