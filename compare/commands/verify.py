"""`lift-compare verify`: every claim of the theory, on instances or on many random ones."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from lift_compare.sensing.instances.published import PUBLISHED
from lift_compare.sensing.validation import positive, whole_number

from ..provenance import provenance
from ..simulated_lift import DEFAULT_STEPS
from ..tables import Column, filled
from ..tolerances import MEMORY_LIMIT
from ..verification.choice import chosen_checks
from ..verification.random_instances import MOST_INSTANCES, verify_random
from ..verification.random_result import COLUMNS as COUNT_COLUMNS
from ..verification.report import COLUMNS as CLAIM_COLUMNS
from ..verification.report import count
from ..verification.verification import MOST_STEPS
from .common import (
    UsageError,
    add_common_options,
    add_instance_argument,
    add_instance_option,
    add_memory_limit_option,
    find_instances,
    instance_texts,
    output_folder,
    save,
    show,
    written,
)
from .settings import add_order_option, add_settings_options, given_settings
from .verify_sections import LARGEST_DEFAULT_ORDER, Section, verified


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "verify",
        help="check every claim of the theory on an instance, a file, or random instances",
        description="Check every claim of the theory: first what fails or does not hold, with its "
        "numbers, then a line a topic. Exit code 1 if an exact statement fails or a conditional "
        "one is contradicted; published rules and approximations may be false on an instance.",
    )
    add = parser.add_argument
    add_instance_argument(parser, several=True)
    add_instance_option(parser, "the three published ones", several=True)
    add(
        "--random",
        type=int,
        metavar="N",
        help="check N random instances of every operator instead, and say what was covered",
    )
    add(
        "--first",
        type=int,
        metavar="I",
        help="number of the first of them (default: 0): --random 1 --first I is one instance",
    )
    add_order_option(
        parser, f"that of the instance, at most {LARGEST_DEFAULT_ORDER}; 3 without one"
    )
    add(
        "--claim",
        action="append",
        metavar="ID",
        help="check this claim only, and what it needs; may be repeated; docs/verify.md lists them",
    )
    how_much = parser.add_mutually_exclusive_group()
    how_much.add_argument("--full", action="store_true", help="print every claim, not topics")
    how_much.add_argument(
        "--only-failures",
        action="store_true",
        help="print and write violations, and published statements that do not hold, only",
    )
    own = "that of the instance's settings, else"
    add_settings_options(
        parser,
        rho=f"{own} ρ ‖v̂‖ = 0.1 ‖ŵ‖; 0.1 with --random",
        eta=f"{own} one with which h^l falls at every step; 0.01 with --random",
        steps=f"{own} {DEFAULT_STEPS}",
    )
    add(
        "--rip-constant",
        type=float,
        metavar="DELTA",
        help="δ for the published scores (default: what is known of the instance, if it is)",
    )
    add_memory_limit_option(parser)
    add("--no-polish", action="store_true", help="take X as it is, without Newton steps")
    add_common_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Check the claims; 1 if there is a violation, 130 after Ctrl-C."""
    output_folder(arguments)
    _check_options(arguments)
    try:
        return _run_random(arguments) if arguments.random is not None else _run(arguments)
    except KeyboardInterrupt:
        return _interrupted("nothing was finished, nothing is written")


def _check_options(arguments: argparse.Namespace) -> None:
    """Refuse bad numbers and unknown claims by the names of their options."""
    if arguments.steps is not None:
        whole_number("--steps", arguments.steps, most=MOST_STEPS)
    delta = arguments.rip_constant
    if delta is not None:
        positive("--rip-constant", delta, or_zero=True)
    chosen_checks(arguments.claim, "--claim")
    if arguments.random is None:
        if arguments.first is not None:
            raise UsageError("--first: expected --random N beside it, whose instances it numbers")
        return
    whole_number("--random", arguments.random, most=MOST_INSTANCES)
    whole_number("--first", arguments.first or 0, least=0)
    if instance_texts(arguments):
        raise UsageError("--random: expected no INSTANCE beside it")
    for name in ("order", "rip_constant"):
        if getattr(arguments, name) is not None:
            option = name.replace("_", "-")
            raise UsageError(f"--{option}: does not apply to --random, which draws its own")


def _run(arguments: argparse.Namespace) -> int:
    """Check instances by name; after Ctrl-C what was finished is reported."""
    texts = instance_texts(arguments)
    named = dict(zip(find_instances(texts or PUBLISHED), texts or PUBLISHED, strict=True))
    orders = list(dict.fromkeys(arguments.order or [None]))
    found: list[Section] = []
    try:
        for instance, word in named.items():
            X = instance.point
            if X is None:
                X = instance.stationary_point(seed=arguments.seed)
            for order in orders:
                found.append(verified(arguments, instance, X, word, order))
    except KeyboardInterrupt:
        if not found:
            raise
    rows = [row for section in found for row in section.rows(arguments)]
    only = next(iter(named)).label
    label = only if len(texts) == 1 else "instances" if texts else "published"
    several = len(orders) > 1
    more = {
        "settings": {s.name if several else s.instance.name: s.checked.settings for s in found},
        "verdicts": [
            {"instance": s.instance.name, "order": s.order, **count(s.checked.claims)}
            | {"violations": len(s.checked.violations)}
            for s in found
        ],
    }
    verdicts = "\n".join(section.verdict(arguments) for section in found)
    text = "\n\n".join([verdicts, *(section.told(arguments) for section in found)])
    columns = [Column("instance", "instance"), Column("order", "order", "d"), *CLAIM_COLUMNS]
    _report(arguments, f"verify-{label}", rows, text, columns, **more)
    if len(found) < len(named) * len(orders):
        what = f"{len(found)} of {len(named) * len(orders)} instances"
        return _interrupted(f"the {what} finished are written")
    return 1 if any(section.checked.violations for section in found) else 0


# Random instances --------------------------------------------------------------------------------


def _run_random(arguments: argparse.Namespace) -> int:
    """Check random instances; after Ctrl-C those that were finished are reported."""
    settings = given_settings(arguments)
    if arguments.memory_limit != MEMORY_LIMIT:
        settings["memory_limit"] = arguments.memory_limit
    found = verify_random(
        arguments.random,
        seed=arguments.seed,
        first=arguments.first or 0,
        polish=not arguments.no_polish,
        claims=arguments.claim,
        **settings,
    )
    done = len(found.verifications)
    more = {"violations": found.violation_rows(), "coverage": found.coverage()}
    numbers = {"instances": done, "first": found.first, "settings": settings}
    full, only = arguments.full or arguments.claim is not None, arguments.only_failures
    text = found.table(full=full, only_failures=only)
    rows = found.rows(only_failures=only)
    _report(arguments, "verify-random", rows, text, COUNT_COLUMNS, **numbers, **more)
    if done < arguments.random:
        return _interrupted(f"the {done} of {arguments.random} instances finished are written")
    return 1 if found.violations else 0


# What leaves -------------------------------------------------------------------------------------


def _interrupted(what: str) -> int:
    """Say what is left of an interrupted run; return its exit code."""
    print(filled(f"lift-compare: interrupted; {what}"), file=sys.stderr)
    return 130


def _report(
    arguments: argparse.Namespace,
    name: str,
    rows: list[dict[str, Any]],
    text: str,
    columns: Sequence[Column],
    **settings: Any,
) -> None:
    """Write the rows, and print them as asked for; Ctrl-C waits for this short moment."""
    with _without_interrupts():
        origin = provenance(arguments.seed, command="verify", **settings)
        paths = save(arguments, name, rows, origin, columns)
        show(arguments, f"{text}\n\n{written(paths)}", rows, origin)


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Ignore Ctrl-C, so that no file is left half written."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
