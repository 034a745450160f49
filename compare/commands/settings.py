"""Options that commands share for orders and for the settings of the descents."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from lift_compare.sensing import LiftSettings
from lift_compare.sensing.instances.registry import CATALOGUE, split_file
from lift_compare.sensing.validation import (
    InvalidInput,
    did_you_mean,
    odd_order,
    positive,
    whole_number,
)

from ..simulated_lift import GivenSettings
from .common import UsageError


class _Orders(argparse.Action):
    """Collect odd orders; words after them that are no numbers are instances."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        option, words = option_string or self.option_strings[0], list(values or ())
        count = next((i for i, word in enumerate(words) if not _is_whole(word)), len(words))
        numbers, instances = words[:count], words[count:]
        stray = words[:1] if not numbers else [word for word in instances if _looks_like_one(word)]
        if stray:
            said = f"expected odd whole numbers with blanks between them, got {stray[0]!r:.60}"
            example = shlex.join([*parser.prog.split(), *instances[:1], option, "3", "5"])
            if not _looks_like_one(stray[0]):
                said += f"; an instance stands before it, as in: {example}"
            parser.error(f"argument {option}: {said}")
        try:
            orders = [odd_order(int(word)) for word in numbers]
        except InvalidInput as refusal:
            raise UsageError(str(refusal).replace("order", option, 1)) from refusal
        setattr(namespace, self.dest, [*(getattr(namespace, self.dest) or ()), *orders])
        namespace.after_values = [*getattr(namespace, "after_values", ()), *instances]


class Values(argparse.Action):
    """Collect values, each turned into what it means by `value`; an instance among them is one."""

    def __init__(self, *parts: Any, value: Callable[[str], Any], **how: Any) -> None:
        super().__init__(*parts, **how | {"nargs": "+"})
        self.value = value

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Store the values, and the instances among them; refuse what is neither."""
        option, words = option_string or self.option_strings[0], list(values or ())
        found, instances = [], []
        for word in words:
            try:
                found.append(self.value(word))
            except argparse.ArgumentTypeError as refusal:
                if not names_an_instance(word):
                    parser.error(f"argument {option}: {refusal}")
                instances.append(word)
        if not found:
            parser.error(f"argument {option}: expected a value, got the instance {words[0]!r:.60}")
        setattr(namespace, self.dest, [*(getattr(namespace, self.dest) or ()), *found])
        namespace.after_values = [*getattr(namespace, "after_values", ()), *instances]


def names_an_instance(word: str) -> bool:
    """Return whether a word has the look of an instance: a file, a function, a catalogue name."""
    return bool(split_file(word)[0] or ".py:" in word or word.partition(":")[0] in CATALOGUE)


def one_of(known: Iterable[str]) -> Callable[[str], str]:
    """Return the type of an option that takes one of some words; another one is refused by it."""
    words = tuple(known)

    def parse(text: str) -> str:
        if text not in words:
            said = f"expected one of {', '.join(words)}, got {text!r:.60}"
            raise argparse.ArgumentTypeError(f"{said}{did_you_mean(text, words)}")
        return text

    return parse


def measurements(text: str) -> str:
    """Return a number of measurements, or a rule such as 2n, as it is; an instance is none."""
    if names_an_instance(text):
        raise argparse.ArgumentTypeError(f"expected numbers or multiples, got {text!r:.60}")
    return text


def size(text: str) -> int:
    """Return a whole number, as a side or a rank is one."""
    if not _is_whole(text):
        raise argparse.ArgumentTypeError(f"expected whole numbers, got {text!r:.60}")
    return int(text)


def _is_whole(word: str) -> bool:
    return re.fullmatch(r"[+-]?[0-9]{1,20}", word) is not None


def _looks_like_one(word: str) -> bool:
    """Return whether a word is meant as a number, such as 3,5 or 3.0, and not as a file."""
    return re.match(r"[+-]?\.?[0-9]", word) is not None and split_file(word)[0] is None


def add_order_option(parser: argparse.ArgumentParser, default: str) -> None:
    """Add --order, which takes several and may be repeated; `default` says what is taken else."""
    parser.add_argument(
        "--order",
        "--orders",
        nargs="+",
        action=_Orders,
        metavar="L",
        help=f"odd lifting orders (default: {default})",
    )


def add_settings_options(
    parser: argparse.ArgumentParser, *, rho: str, eta: str, steps: str
) -> None:
    """Add --rho, --eta or --step-size, and --steps; the words say what is taken without them.

    A gradient step is stored as the η that is twice its size.
    """
    add = parser.add_argument
    add("--rho", type=_positive, help=f"weight ρ of the visible direction (default: {rho})")
    step = parser.add_mutually_exclusive_group()
    step.add_argument("--eta", type=_positive, help=f"step η as published (default: {eta})")
    step.add_argument(
        "--step-size",
        type=_gradient_step,
        dest="eta",
        metavar="STEP",
        help="the same step as that of a gradient descent, which is η/2",
    )
    add("--steps", type=_count, metavar="T", help=f"number of steps T (default: {steps})")


def given_settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return ρ, η and T as far as they were given; UsageError for more steps than a path holds."""
    given = {name: getattr(arguments, name) for name in ("rho", "eta", "steps")}
    try:
        return GivenSettings.of(**given).values()
    except InvalidInput as refusal:
        raise UsageError(f"--{refusal}") from refusal


def _positive(text: str) -> float:
    """Return a positive number; argparse refuses another text by the option's name."""
    try:
        number = float(text)
    except ValueError as error:
        said = f"expected a finite number > 0, got {text!r:.60}"
        raise argparse.ArgumentTypeError(said) from error
    try:
        return positive("", number)
    except InvalidInput as refusal:
        raise argparse.ArgumentTypeError(str(refusal).removeprefix(": ")) from refusal


def _gradient_step(text: str) -> float:
    return _positive(repr(LiftSettings.eta_of(_positive(text))))  # twice the size has to fit too


def _count(text: str) -> int:
    """Return a whole number of at least 1."""
    if not _is_whole(text):
        raise argparse.ArgumentTypeError(f"expected a whole number, got {text!r:.60}")
    try:
        return whole_number("", int(text))
    except InvalidInput as refusal:
        raise argparse.ArgumentTypeError(str(refusal).removeprefix(": ")) from refusal
