"""`lift-compare verify`: every claim of the theory, on instances or on many random ones."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from tqdm import tqdm

from lift_compare.sensing import Instance
from lift_compare.sensing.instances.published import PUBLISHED
from lift_compare.sensing.validation import odd_order, whole_number

from ..provenance import provenance
from ..simulated_lift import lift_of, order_of
from ..verification.random_instances import verify_random
from ..verification.verification import Verification, verify
from .common import (
    UsageError,
    add_common_options,
    add_instance_option,
    find_instances,
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
    add("--random", type=int, metavar="N", help="check N random Gaussian instances instead")
    add(
        "--order",
        type=int,
        metavar="L",
        help="odd lifting order (default: that of the instance, at most "
        f"{_LARGEST_DEFAULT_ORDER}; 3 without one)",
    )
    add("--rho", type=float, help="weight ρ of the visible direction (default: as published, 0.1)")
    add("--eta", type=float, help="step η of the truncated path (default: as published, 0.01)")
    add("--steps", type=int, help="steps T of the truncated path (default: as published, 1000)")
    add("--rip-constant", type=float, metavar="DELTA", help="δ for the published scores")
    add(
        "--memory-limit",
        type=int,
        metavar="BYTES",
        help="byte budget of the explicit side (default: 1 GiB)",
    )
    add("--no-polish", action="store_true", help="take X as it is, without Newton steps")
    add_common_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Check the claims; 1 if there is a violation."""
    output_folder(arguments)
    if arguments.order is not None:
        odd_order(arguments.order, "--order")
    if arguments.random is not None:
        return _run_random(arguments)
    texts = [*filter(None, [arguments.target]), *(arguments.instance or [])]
    instances = find_instances(texts or PUBLISHED)
    found = [(instance.name, _verify(arguments, instance)) for instance in instances]
    rows = [{"instance": name, **row} for name, checked in found for row in checked.rows()]
    label = instances[0].label if len(texts) == 1 else "instances" if texts else "published"
    settings = {name: checked.settings for name, checked in found}
    text = "\n\n".join(checked.table() for _, checked in found)
    _report(arguments, f"verify-{label}", rows, text, settings=settings)
    return 1 if any(checked.violations for _, checked in found) else 0


def _verify(arguments: argparse.Namespace, instance: Instance) -> Verification:
    """Check one instance at its settings, but for those given."""
    order = arguments.order or min(order_of(instance), _LARGEST_DEFAULT_ORDER)
    X = instance.point
    if X is None:
        X = instance.stationary_point(seed=arguments.seed)
    own = lift_of(instance, X, order).settings
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
        )


def _run_random(arguments: argparse.Namespace) -> int:
    if arguments.target is not None or arguments.instance:
        raise UsageError("--random: expected no INSTANCE beside it")
    for name in ("order", "rip_constant"):
        if getattr(arguments, name) is not None:
            option = name.replace("_", "-")
            raise UsageError(f"--{option}: does not apply to --random, which draws its own")
    whole_number("--random", arguments.random)
    settings = _given(arguments)
    found = verify_random(
        arguments.random,
        seed=arguments.seed,
        memory_limit=arguments.memory_limit,
        polish=not arguments.no_polish,
        **settings,
    )
    violations = [
        {"instance": title, "claim": claim.name, "reason": claim.reason}
        for title, claim in found.violations
    ]
    count = len(found.verifications)
    where = {"instances": count, "settings": settings, "violations": violations}
    _report(arguments, "verify-random", found.rows(), found.table(), **where)
    if count < arguments.random:
        print(f"lift-compare: interrupted after {count} instances", file=sys.stderr)
        return 130
    return 1 if found.violations else 0


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
    """Write the rows, and print them as asked for."""
    origin = provenance(arguments.seed, command="verify", **settings)
    paths = save(arguments, name, rows, origin)
    show(arguments, f"{text}\n\n{written(paths)}", rows, origin)
