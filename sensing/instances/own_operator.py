"""What is tested of an operator of your own before anything is computed with it.

A wrong adjoint gives a wrong gradient, and with it results that look like any others.
"""

from __future__ import annotations

import numpy as np

from ..checks import check_adjoint
from ..floats import norm, silently
from ..operators import DenseOperator, EntrywiseOperator, RankOneOperator, SensingOperator
from ..problem import SensingProblem
from ..tolerances import OWN_OPERATOR
from ..validation import FloatArray, InvalidValue

_OURS = (DenseOperator, EntrywiseOperator, RankOneOperator)
_MOST_NUMBERS = 10**6  # m n², up to which the A_i are formed to be compared


@silently
def refuse_wrong_operator(operator: SensingOperator) -> None:
    """Refuse an operator of your own whose members contradict each other, or that is zero.

    Raises
    ------
    InvalidValue
        If `adjoint_matmul` is not the adjoint of `measure`, an A_i is not symmetric, either does
        not broadcast over leading axes, `matrices` gives other A_i, or all A_i are zero.
    """
    if type(operator) in _OURS:
        return
    name = type(operator).__name__
    rng = np.random.default_rng(0)
    L, R = rng.standard_normal((2, 2, operator.n, 1))
    y = rng.standard_normal((2, operator.m))
    measured = [np.asarray(operator.measure(*each)) for each in zip(L, R, strict=True)]
    adjoint = [np.asarray(operator.adjoint_matmul(*each)) for each in zip(y, R, strict=True)]
    if not np.any(measured) and not np.any(adjoint):
        raise InvalidValue(f"operator: expected some A_i that is not zero, but {name} gives zeros")
    mismatch = check_adjoint(operator, columns=1)
    if mismatch > OWN_OPERATOR:
        what = "expected ⟨measure(L, R), y⟩ = ⟨L, adjoint_matmul(y, R)⟩ and symmetric A_i"
        raise InvalidValue(
            f"operator: {what}, but those of {name} differ by {mismatch:.2g}, relative "
            "(sensing.check_adjoint)"
        )
    for method, arguments, each in (
        ("measure", (L, R), measured),
        ("adjoint_matmul", (y, R), adjoint),
    ):
        alone = np.stack(each)
        try:
            stacked = np.asarray(getattr(operator, method)(*arguments))
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            raise InvalidValue(f"operator: {_broadcast(name, method)}: {said}") from error
        if stacked.shape != alone.shape or _differ(stacked, alone):
            raise InvalidValue(f"operator: {_broadcast(name, method)}, and got other results")
    if operator.m * operator.n**2 <= _MOST_NUMBERS:
        formed = np.einsum("ijk,jl,kl->i", operator.matrices(), L[0], R[0])
        if formed.shape != measured[0].shape or _differ(formed, measured[0]):
            what = "expected measure(L, R) to be the ⟨A_i, LRᵀ⟩ of matrices()"
            raise InvalidValue(f"operator: {what}, but those of {name} differ")


def truth_note(problem: SensingProblem) -> str | None:
    """Return a note where the measurements are not those of the ground truth, else None."""
    if problem.ground_truth is None:
        return None
    b, Z = problem.measurements, problem.ground_truth
    try:
        off = float(norm(problem.operator.measure(Z, Z) - b) / norm(b))
    except OverflowError:
        return None
    if not off > OWN_OPERATOR:
        return None
    return (
        f"‖A(ZZᵀ) − b‖ is {off:.2g} of ‖b‖: b is measured with noise, or is not of this Z; h is "
        "made of b, and Z is used for distances only"
    )


def _broadcast(name: str, method: str) -> str:
    return f"expected {name}.{method} to take stacks, shapes (..., n, k) and (..., m)"


def _differ(one: FloatArray, other: FloatArray) -> bool:
    return bool(norm(one - other) > OWN_OPERATOR * norm(other))
