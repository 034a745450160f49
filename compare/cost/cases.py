"""The cases of the cost grid: an instance of given sizes, and a lifting order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from itertools import product
from typing import Any

from lift_compare import lifting, sensing
from lift_compare.sensing import SensingProblem
from lift_compare.sensing.instances.registry import parse_instances
from lift_compare.sensing.validation import (
    InvalidType,
    InvalidValue,
    odd_order,
    shown,
    whole_number,
)

_OWN_M = {"completion": "n^2", "sparse-completion": "10n"}
"""These families fix the number of measurements themselves."""

OPERATORS = (*_OWN_M, "gaussian", "rank-one")
"""The families of the catalogue whose sizes can be varied."""

_RULE = re.compile(r"(\d*)n(\^2)?|(\d+)")


@dataclass(frozen=True)
class CostCase:
    """An instance of given sizes and a lifting order, to be measured.

    Attributes
    ----------
    operator : str
        A family of `sensing.catalogue()`, or the name of your own instance.
    n, rank, order : int
        Side n, rank r and lifting order l.
    m : str or int
        Number of measurements: a number, or a multiple of n or n² such as "2n" or "n^2". Two
        families have their own: completion n², sparse-completion about 10 n.
    instance : str
        Where the problem is not of a family: its text, as `sensing.parse_instance` understands it.
    """

    operator: str
    n: int
    rank: int = 1
    order: int = 3
    m: str | int = ""
    instance: str = ""

    def __post_init__(self) -> None:
        odd_order(self.order)
        if self.instance:
            return
        if self.operator not in OPERATORS:
            expected = f"expected one of {', '.join(OPERATORS)}"
            raise InvalidValue(f"operator: {expected}, got {self.operator!r}")
        whole_number("n", self.n, least=2)
        if whole_number("rank", self.rank) > self.n:
            raise InvalidValue(f"rank: expected at most n = {self.n}, got {self.rank}")
        own = _OWN_M.get(self.operator)
        rule = str(self.m) or own or "2n"
        if not _RULE.fullmatch(rule) or rule in ("0", "0n"):
            expected = "expected a whole number or a multiple of n or n^2 such as '2n'"
            raise InvalidValue(f"m: {expected}, got {self.m!r}")
        if own is not None and rule != own:
            raise InvalidValue(f"m: the {self.operator} operator has m = {own}, got {self.m!r}")
        object.__setattr__(self, "m", rule)

    @property
    def measurements(self) -> int:
        """The number that the rule for m stands for."""
        match = _RULE.fullmatch(str(self.m))
        assert match is not None
        factor, square, number = match.groups()
        return int(number) if number else int(factor or 1) * self.n ** (2 if square else 1)

    def problem(self, seed: int = 0) -> SensingProblem:
        """Return the problem; of a family, the random one of this seed."""
        if self.instance:
            return sensing.parse_instance(self.instance).problem
        m = {} if self.operator in _OWN_M else {"m": self.measurements}
        return sensing.instance(self.operator, n=self.n, rank=self.rank, seed=seed, **m).problem

    def sizes_only(self) -> SensingProblem:
        """Return a problem of these sizes for planning; of a family it holds no numbers.

        What a form costs follows from n, m, r and the kind of operator, so that a size whose
        matrices would fill the memory can be predicted too.
        """
        if self.instance:
            return self.problem()
        small = CostCase(self.operator, 2).problem()
        operator = copy(small.operator)
        operator.n, operator.m = self.n, self.measurements  # type: ignore[misc]
        problem = copy(small)
        object.__setattr__(problem, "operator", operator)
        object.__setattr__(problem, "rank", self.rank)
        return problem

    @property
    def forms(self) -> tuple[str, ...]:
        """The forms of explicit lifting that apply: the size decides nothing here."""
        small = self if self.instance else CostCase(self.operator, 2, order=self.order)
        costs = lifting.predict_cost(small.problem(), self.order)
        return tuple(cost.form for cost in costs if cost.reason is None)

    def row(self) -> dict[str, Any]:
        """Return the sizes as the columns of a row."""
        sizes = {"operator": self.operator, "n": self.n, "rank": self.rank}
        return {**sizes, "m": self.measurements, "m_rule": str(self.m), "order": self.order}

    def covers(self, other: CostCase) -> bool:
        """Return whether this is the same kind of case, with no size smaller than the other's."""
        sizes = [(case.n, case.rank, case.order, case.measurements) for case in (self, other)]
        same = (self.operator, self.instance) == (other.operator, other.instance)
        return same and all(a >= b for a, b in zip(*sizes, strict=True))


def cost_cases(
    operator: str,
    *,
    n: Sequence[int],
    rank: Sequence[int] = (1,),
    order: Sequence[int] = (3,),
    m: Sequence[str | int] = ("",),
) -> list[CostCase]:
    """Return every combination of the sizes for one family of instances, but for ranks above n.

    Parameters
    ----------
    operator : str
        "completion" (dense weights, m = n²), "sparse-completion" (about 10 stored weights a row),
        "gaussian" (dense symmetric A_i) or "rank-one" (A_i = a_i a_iᵀ).
    n, rank, order : sequence of int
        Sides, ranks and lifting orders.
    m : sequence of str or int
        Numbers of measurements: numbers, or multiples of n or n² such as "2n" or "n^2".

    Returns
    -------
    list of CostCase
        For `cost_grid`.

    Raises
    ------
    TypeError, ValueError
        For sizes that are impossible, or a rank above every n.

    Examples
    --------
    >>> from lift_compare import compare
    >>> [case.measurements for case in compare.cost_cases("gaussian", n=[4, 8], m=["2n"])]
    [8, 16]
    """
    if max(rank) > max(n):
        raise InvalidValue(f"rank: expected at most n = {max(n)}, got {max(rank)}")
    return [
        CostCase(operator, side, r, l, rule)
        for l, r, rule, side in product(order, rank, m, n)  # noqa: E741 - l is the lifting order
        if r <= side
    ]


def instance_cases(texts: Iterable[str], order: Sequence[int]) -> list[CostCase]:
    """Return the cases of instances named as `sensing.parse_instance` understands it."""
    cases, texts = [], list(texts)
    for text, instance in zip(texts, parse_instances(texts), strict=True):
        n, r = instance.problem.shape
        m = instance.problem.m
        cases += [CostCase(instance.name, n, r, l, m, text) for l in order]  # noqa: E741
    return cases


def standard_cases(*, quick: bool = False) -> list[CostCase]:
    """Return the cases of `lift-compare cost`: one size varies at a time, on each family."""
    if quick:
        return [
            *cost_cases("sparse-completion", n=(4, 8, 16, 10_000)),
            *cost_cases("completion", n=(3,), order=(3, 5, 7)),
        ]
    sides = (4, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64, 300, 1_000, 10_000, 100_000)
    return [
        *cost_cases("sparse-completion", n=sides),
        *cost_cases("completion", n=(4, 8, 12, 16, 20, 24, 32, 48, 64, 300, 1_000)),
        *cost_cases("gaussian", n=(4, 6, 8, 10, 12, 14, 16, 18, 20), m=("2n",)),
        *cost_cases("rank-one", n=(4, 6, 8, 12, 16, 20, 24, 32), m=("2n",)),
        *cost_cases("completion", n=(2,), order=(1, 3, 5, 7, 9, 11)),
        *cost_cases("gaussian", n=(4,), rank=(2, 3, 4), m=("2n",)),
        *cost_cases("gaussian", n=(6,), m=(4, 8, 16, 32, 64)),
    ]


def checked_cases(cases: Any) -> list[CostCase]:
    """Return cases as a list; TypeError for what is none, such as an Instance."""
    listed: list[Any] = [cases] if isinstance(cases, sensing.Instance | CostCase) else list(cases)
    for case in listed:
        if not isinstance(case, CostCase):
            what = "expected what cost_cases returns"
            raise InvalidType(f"cases: {what}, got {shown(case)}")
    return listed
