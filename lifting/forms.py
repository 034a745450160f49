"""The forms of the lifted objective, and the choice among them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from lift_compare.sensing import SensingProblem

from .contraction import ITEMSIZE
from .cost import LiftingCost, LiftingCosts, MemoryLimitExceeded, python_bytes
from .entrywise import EntrywiseForm
from .normal import NormalForm
from .rank_one_operators import RankOneForm
from .residual import ResidualForm
from .symmetric import SymmetricForm

SYMMETRIC_ADVANTAGE = 4
"""How many times fewer operations the symmetric form must promise before "auto" takes it: other tensors pay for it,
and its gathers run at about a quarter of the rate of matrix products."""


class Form(Protocol):
    """One way to compute h^l, its gradient and its Hessian products; planned when made, built by `prepare`."""

    name: str
    symmetric_only: bool
    flops: float
    general_flops: float
    gradient_bytes: int
    hessian_bytes: int
    stored_bytes: int
    building_bytes: int

    def prepare(self, tensor: Callable[[Any], Any], index: Callable[[Any], Any]) -> None:
        """Build what is kept between evaluations, from makers of backend tensors of numbers and of positions."""

    def value(self, w: Any) -> float:
        """Return h^l(w)."""

    def value_and_gradient(self, w: Any) -> tuple[float, Any]:
        """Return h^l(w) and ∇h^l(w), which is the caller's to change."""

    def hessian_product(self, w: Any, direction: Any) -> Any:
        """Return ∇²h^l(w)[direction]."""


FORMS: dict[str, Any] = {
    form.name: form
    for form in (ResidualForm, NormalForm, EntrywiseForm, RankOneForm, SymmetricForm)
}
"""The forms by name. Each class tells with `unfit(problem, order)` why it does not apply, or None."""


def plan(problem: SensingProblem, order: int, names: list[str]) -> dict[str, Form]:
    """Return those of the named forms that apply, planned but not built."""
    return {
        name: FORMS[name](problem, order)
        for name in names
        if FORMS[name].unfit(problem, order) is None
    }


def cheapest(forms: dict[str, Form], allowed: int, order: int) -> Form:
    """Return the form with the fewest operations among those within the budget.

    Raises
    ------
    MemoryLimitExceeded
        If none fits.
    """

    def needed_bytes(form: Form) -> int:
        evaluation = form.stored_bytes + form.gradient_bytes + python_bytes(order, "gradient")
        return max(form.building_bytes, evaluation)

    fitting = [form for form in forms.values() if needed_bytes(form) <= allowed]
    if not fitting:
        least = min(forms.values(), key=needed_bytes)
        needed = needed_bytes(least)
        raise MemoryLimitExceeded(needed, allowed, f"order {order}: the {least.name} form")
    general = min(
        (form for form in fitting if not form.symmetric_only),
        key=lambda form: form.flops,
        default=None,
    )
    symmetric = next((form for form in fitting if form.symmetric_only), None)
    if general is None or (
        symmetric is not None and SYMMETRIC_ADVANTAGE * symmetric.flops < general.flops
    ):
        assert symmetric is not None
        return symmetric
    return general


def cost_of(form: Form, problem: SensingProblem, order: int) -> LiftingCost:
    """Return the predicted cost of a form."""
    tensor_bytes = ITEMSIZE * (problem.n * problem.rank) ** order
    return LiftingCost(
        form.name,
        form.flops,
        form.gradient_bytes + python_bytes(order, "gradient"),
        tensor_bytes,
        form.stored_bytes,
        form.hessian_bytes + python_bytes(order, "hessian_product"),
        form.building_bytes,
    )


def costs_of(problem: SensingProblem, order: int) -> LiftingCosts:
    """Return the predicted cost of every form, with the reason where one does not apply."""
    planned = plan(problem, order, list(FORMS))
    tensor_bytes = ITEMSIZE * (problem.n * problem.rank) ** order
    return LiftingCosts(
        tuple(
            cost_of(planned[name], problem, order)
            if name in planned
            else LiftingCost(name, 0.0, 0, tensor_bytes, reason=kind.unfit(problem, order))
            for name, kind in FORMS.items()
        )
    )
