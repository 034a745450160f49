"""`lift-compare verify`: every claim of the theory, on instances or on many random ones."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tqdm import tqdm

from lift_compare.sensing import Instance, LiftSettings
from lift_compare.sensing.instances.published import PUBLISHED
from lift_compare.sensing.validation import odd_order, positive, whole_number

from ..provenance import provenance
from ..simulated_lift import lift_of, order_of
from ..verification.random_instances import MOST_INSTANCES, verify_random
from ..verification.verification import MOST_STEPS, Verification, checks, verify
from .common import (
    UsageError,
    add_common_options,
    add_instance_option,
    add_memory_limit_option,
    find_instances,
    instance_texts,
    output_folder,
    save,
    show,
    written,
)

_LARGEST_DEFAULT_ORDER = 5
_SETTINGS = ("rho", "eta", "steps")


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "verify",
        help="check every claim of the theory on an instance, a file, or random instances",
        description="Check every claim of the theory. Exit code 1 if an exact statement fails or a "
        "conditional one is contradicted; published rules and approximations may be false on an "
        "instance.",
    )
    add = parser.add_argument
    add("target", nargs="?", metavar="INSTANCE", help="the same as --instance")
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
    add(
        "--order",
        type=int,
        metavar="L",
        help="odd lifting order (default: that of the instance, at most "
        f"{_LARGEST_DEFAULT_ORDER}; 3 without one)",
    )
    add("--claim", action="append", metavar="ID", help="check this claim only; may be repeated")
    add("--only-failures", action="store_true", help="print only what does not hold")
    add("--rho", type=float, help="weight ρ of the visible direction (default: as published, 0.1)")
    add("--eta", type=float, help="step η of the truncated path (default: as published, 0.01)")
    add("--steps", type=int, help="steps T of the truncated path (default: as published, 1000)")
    add("--rip-constant", type=float, metavar="DELTA", help="δ for the published scores")
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
    """Refuse bad numbers by the names of their options."""
    if arguments.order is not None:
        odd_order(arguments.order, "--order")
    for name in ("rho", "eta"):
        if getattr(arguments, name) is not None:
            positive(f"--{name}", getattr(arguments, name))
    if arguments.steps is not None:
        whole_number("--steps", arguments.steps, most=MOST_STEPS)
    try:
        checks(arguments.claim)
    except ValueError as error:
        raise UsageError(f"--claim: {str(error).removeprefix('claims: ')}") from error
    delta = arguments.rip_constant
    if delta is not None and not 0 <= delta < 1:
        raise UsageError(f"--rip-constant: expected a number in [0, 1), got {delta}")
    if arguments.random is None:
        if arguments.first is not None:
            raise UsageError("--first: expected --random N beside it, whose instances it numbers")
        return
    whole_number("--random", arguments.random, most=MOST_INSTANCES)
    whole_number("--first", arguments.first or 0, least=0)
    if arguments.target is not None or arguments.instance:
        raise UsageError("--random: expected no INSTANCE beside it")
    for name in ("order", "rip_constant"):
        if getattr(arguments, name) is not None:
            option = name.replace("_", "-")
            raise UsageError(f"--{option}: does not apply to --random, which draws its own")


def _run(arguments: argparse.Namespace) -> int:
    """Check instances by name; after Ctrl-C those that were finished are reported."""
    texts = instance_texts(arguments)
    named = dict(zip(find_instances(texts or PUBLISHED), texts or PUBLISHED, strict=True))
    found: list[tuple[Instance, Verification]] = []
    try:
        for instance in named:
            found.append((instance, _verify(arguments, instance)))
    except KeyboardInterrupt:
        if not found:
            raise
    rows = [{"instance": i.name, **row} for i, checked in found for row in checked.rows()]
    only = next(iter(named)).label
    label = only if len(texts) == 1 else "instances" if texts else "published"
    settings = {i.name: checked.settings for i, checked in found}
    sections = [
        "\n".join(
            [
                checked.table(only_failures=arguments.only_failures),
                *_reproduce(arguments, named[i], checked),
            ]
        )
        for i, checked in found
    ]
    _report(arguments, f"verify-{label}", rows, "\n\n".join(sections), settings=settings)
    if len(found) < len(named):
        return _interrupted(f"the {len(found)} of {len(named)} instances finished are written")
    return 1 if any(checked.violations for _, checked in found) else 0


def _reproduce(arguments: argparse.Namespace, text: str, checked: Verification) -> list[str]:
    """Return the line with the command that shows the violations of an instance again."""
    if not checked.violations:
        return []
    words = ["lift-compare verify --instance", shlex.quote(text)]
    for name in ("order", "rip_constant", "memory_limit", *_SETTINGS):
        if getattr(arguments, name) is not None:
            words.append(f"--{name.replace('_', '-')} {getattr(arguments, name)}")
    words += [f"--claim {name}" for name in arguments.claim or ()]
    words += ["--no-polish"] if arguments.no_polish else []
    return [f"  to see it again: {' '.join(words)} --seed {arguments.seed}"]


def _verify(arguments: argparse.Namespace, instance: Instance) -> Verification:
    """Check one instance at its settings, but for those given."""
    order = arguments.order or min(order_of(instance), _LARGEST_DEFAULT_ORDER)
    X = instance.point
    if X is None:
        X = instance.stationary_point(seed=arguments.seed)
    try:
        own = lift_of(instance, X, order).settings
    except ArithmeticError:  # ρ or η is beyond float64: so are the claims, and they say so
        own = LiftSettings(order)
    with tqdm(desc=f"verify {instance.name}", unit="claim", disable=None, leave=False) as bar:

        def progress(done: int, total: int, claim: str) -> None:
            bar.total, bar.n = total, done
            bar.set_postfix_str(claim)

        return verify(
            instance.problem,
            X,
            order,
            **{name: getattr(own, name) for name in _SETTINGS} | _given(arguments),
            rip_constant=arguments.rip_constant,
            seed=arguments.seed,
            memory_limit=arguments.memory_limit,
            polish=not arguments.no_polish,
            title=f"{instance.name}: {instance.problem!r}, order {order}",
            progress=progress,
            claims=arguments.claim,
        )


def _run_random(arguments: argparse.Namespace) -> int:
    settings = _given(arguments)
    found = verify_random(
        arguments.random,
        seed=arguments.seed,
        first=arguments.first or 0,
        memory_limit=arguments.memory_limit,
        polish=not arguments.no_polish,
        claims=arguments.claim,
        **settings,
    )
    count = len(found.verifications)
    more = {"violations": found.violation_rows(), "coverage": found.coverage()}
    table = found.table(only_failures=arguments.only_failures)
    numbers = {"instances": count, "first": found.first, "settings": settings}
    _report(arguments, "verify-random", found.rows(), table, **numbers, **more)
    if count < arguments.random:
        return _interrupted(f"the {count} of {arguments.random} instances finished are written")
    return 1 if found.violations else 0


def _interrupted(what: str) -> int:
    """Say what is left of an interrupted run; return its exit code."""
    print(f"lift-compare: interrupted; {what}", file=sys.stderr)
    return 130


def _given(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the settings of the truncated path that were given."""
    given = {name: getattr(arguments, name) for name in _SETTINGS}
    return {name: value for name, value in given.items() if value is not None}


def _report(
    arguments: argparse.Namespace,
    name: str,
    rows: list[dict[str, Any]],
    text: str,
    **settings: Any,
) -> None:
    """Write the rows, and print them as asked for; Ctrl-C waits for this short moment."""
    with _without_interrupts():
        origin = provenance(arguments.seed, command="verify", **settings)
        paths = save(arguments, name, rows, origin)
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
