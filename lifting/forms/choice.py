"""The forms of the lifted objective by name, and what each of them costs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import InvalidType, odd_order

from ..cost import (
    ADDRESSABLE_BYTES,
    DISTINCT_MODES,
    ITEMSIZE,
    MOST_MODES,
    LiftingCost,
    LiftingCosts,
    operations,
    python_bytes,
)
from .entrywise import EntrywiseForm
from .normal import NormalForm
from .pairs import PairsForm
from .rank_one import RankOneForm
from .rates import RATES
from .residual import ResidualForm
from .symmetric import SymmetricForm, SymmetricPairsForm


class Form(Protocol):
    """One way to compute h^l, ∇h^l and Hessian products; planned when made, built by `prepare`.

    Where `asks_symmetric`, the methods take by name whether all of their tensors are symmetric.
    """

    name: str
    symmetric_only: bool
    asks_symmetric: bool
    flops: float
    largest_product: float
    moved_bytes: float
    calls: float
    gradient_bytes: int
    hessian_bytes: int
    stored_bytes: int
    building_bytes: int

    def prepare(self, tensor: Callable[[Any], Any], index: Callable[[Any], Any]) -> None:
        """Build what is kept between evaluations, from makers of tensors and of positions."""

    def value(self, w: Any, **known: bool) -> Any:
        """Return h^l(w), a number of the backend."""

    def value_and_gradient(self, w: Any, **known: bool) -> tuple[Any, Any]:
        """Return h^l(w) and ∇h^l(w), which is the caller's to change."""

    def values_and_gradients(self, tensors: Any, **known: bool) -> tuple[Any, Any]:
        """Return h^l and ∇h^l at k tensors; only those of `MANY_AT_ONCE` have it."""

    def hessian_part(self, w: Any) -> Any:
        """Return what all Hessian products at w share."""

    def hessian_product(self, part: Any, w: Any, direction: Any, **known: bool) -> Any:
        """Return ∇²h^l(w)[direction], from the `hessian_part` of w."""


FORMS: dict[str, Any] = {
    form.name: form
    for form in (
        ResidualForm,
        NormalForm,
        PairsForm,
        EntrywiseForm,
        RankOneForm,
        SymmetricForm,
        SymmetricPairsForm,
    )
}
"""The forms by name. Each class tells with `unfit(problem, order)` why it does not apply, if so."""

MANY_AT_ONCE = ("residual", "entrywise", "symmetric", "symmetric-pairs")
"""The forms that evaluate many tensors in the calls that one takes."""


def plan(problem: SensingProblem, order: int, names: Iterable[str]) -> dict[str, Form]:
    """Return those of the named forms that apply, planned but not built.

    None, where w alone is more than memory can address: planning a contraction takes longer the
    more modes there are, and could only confirm that it cannot be done.
    """
    if is_beyond(problem, order):
        return {}
    applying = (name for name in names if FORMS[name].unfit(problem, order) is None)
    return {name: FORMS[name](problem, order) for name in applying}


def is_beyond(problem: SensingProblem, order: int) -> bool:
    """Return whether w has too many modes for an array, or too many entries for any memory."""
    return order >= MOST_MODES or _tensor_bytes(problem, order) >= ADDRESSABLE_BYTES


def _tensor_bytes(problem: SensingProblem, order: int) -> int:
    return int(ITEMSIZE * (problem.n * problem.rank) ** order)


def costs_of(
    planned: dict[str, Form], names: Iterable[str], problem: SensingProblem, order: int
) -> LiftingCosts:
    """Return the predicted cost of the named forms; one that is not planned does not apply."""
    tensor_bytes = _tensor_bytes(problem, order)
    rows = []
    for name in names:
        if name not in planned:
            reason = FORMS[name].unfit(problem, order)
            # Lower bounds: every form writes a gradient of the size of w.
            flops, peak = (0.0, 0) if reason else (operations(tensor_bytes), tensor_bytes)
            rows.append(
                LiftingCost(
                    form=name,
                    flops=flops,
                    peak_bytes=peak,
                    tensor_bytes=tensor_bytes,
                    symmetric_only=FORMS[name].symmetric_only,
                    reason=reason,
                    moved_bytes=flops,
                    seconds=0.0 if reason else RATES.seconds(flops, flops, 0, peak),
                )
            )
            continue
        form = planned[name]
        modes = DISTINCT_MODES if form.symmetric_only else order
        peak = form.gradient_bytes + python_bytes(modes, "gradient")
        work = RATES.work_seconds(form.flops, form.moved_bytes, peak)
        rows.append(
            LiftingCost(
                form=name,
                flops=form.flops,
                peak_bytes=peak,
                tensor_bytes=tensor_bytes,
                stored_bytes=form.stored_bytes,
                hessian_bytes=form.hessian_bytes + python_bytes(modes, "hessian_product"),
                building_bytes=form.building_bytes,
                symmetric_only=form.symmetric_only,
                moved_bytes=form.moved_bytes,
                calls=form.calls,
                seconds=RATES.seconds(form.flops, form.moved_bytes, form.calls, peak),
                work_seconds=work,
            )
        )
    return LiftingCosts(order, tuple(rows))


def predict_cost(problem: SensingProblem, order: int) -> LiftingCosts:
    """Return what one evaluation of h^l would cost in every form; nothing of its size is allocated.

    Parameters
    ----------
    problem : SensingProblem
        The problem in matrix space.
    order : int
        The odd lifting order l, at most 1001.

    Returns
    -------
    LiftingCosts
        Operations and bytes of each form, or why it does not apply; `.choose(memory_limit)` is the
        one that a `LiftedProblem` would take. Where w alone has 64 modes or more, or more bytes
        than memory can address, they are lower bounds: the size of w.

    Raises
    ------
    TypeError, ValueError
        For what is no problem, or an order that is not odd, positive and at most 1001.

    Examples
    --------
    >>> from lift_compare import lifting, sensing
    >>> costs = lifting.predict_cost(sensing.perturbed_completion(40), order=3)
    >>> costs["normal"].peak_bytes > 32e9 > 1e9 > costs["entrywise"].peak_bytes
    True
    >>> costs.choose(memory_limit=10**9).form
    'entrywise'
    """
    if not isinstance(problem, SensingProblem):
        raise InvalidType(f"problem: expected a SensingProblem, got {type(problem).__name__}")
    order = odd_order(order)
    return costs_of(plan(problem, order, FORMS), FORMS, problem, order)
