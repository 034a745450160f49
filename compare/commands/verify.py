"""`lift-compare verify`: every claim of the theory, on an instance, on a file, or on many random instances."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import odd_order, whole_number

from ..instance_file import instance_name, read_instance
from ..provenance import provenance
from ..published import PUBLISHED
from ..tables import write_csv, write_json
from ..verify import Verification, verify
from ..verify_random import RandomVerification, spurious_point, verify_random
from .common import UsageError, add_common_options, output_folder, print_rows

_LARGEST_DEFAULT_ORDER = 5
_DEFAULTS = {"rho": 0.1, "eta": 0.01, "steps": 1000}


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "verify",
        help="check every claim of the theory on an instance, a file, or random instances",
        description="Check every claim of the theory. Exit code 1 if an exact statement fails or a conditional one is "
        "contradicted; published rules and approximations may be false on an instance.",
    )
    names = ", ".join(PUBLISHED)
    parser.add_argument(
        "target",
        nargs="?",
        metavar="INSTANCE | FILE.npz",
        help=f"one of {names}; or an .npz file with A or weights, b or Z, optionally X and rank (default: all three "
        "published instances)",
    )
    parser.add_argument(
        "--random", type=int, metavar="N", help="check N random Gaussian instances instead"
    )
    parser.add_argument(
        "--order", type=int, metavar="L",
        help=f"odd lifting order (default: the published one, at most {_LARGEST_DEFAULT_ORDER}; 3 for a file)",
    )  # fmt: skip
    parser.add_argument(
        "--rho",
        type=float,
        help="weight ρ of the visible direction (default: as published, or 0.1)",
    )
    parser.add_argument(
        "--eta", type=float, help="step η of the truncated path (default: as published, or 0.01)"
    )
    parser.add_argument(
        "--steps", type=int, help="steps T of the truncated path (default: as published, or 1000)"
    )
    parser.add_argument(
        "--rip-constant", type=float, metavar="DELTA", help="δ for the published scores"
    )
    parser.add_argument(
        "--memory-limit",
        type=int,
        metavar="BYTES",
        help="byte budget of the explicit side (default: 1 GiB)",
    )
    parser.add_argument(
        "--no-polish", action="store_true", help="take X as it is, without Newton steps"
    )
    add_common_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Check the claims; 1 if there is a violation."""
    output_folder(arguments)
    if arguments.order is not None:
        odd_order(arguments.order, "--order")
    if arguments.random is not None:
        return _run_random(arguments)
    found = [
        _verify_one(arguments, target)
        for target in ([arguments.target] if arguments.target else PUBLISHED)
    ]
    rows = [
        {"instance": name, **row} for name, verification in found for row in verification.rows()
    ]
    name = found[0][0] if arguments.target else "published"
    text = "\n\n".join(verification.table() for _, verification in found)
    settings = {instance: verification.settings for instance, verification in found}
    _report(arguments, f"verify-{name}", rows, text, {"settings": settings})
    return 1 if any(verification.violations for _, verification in found) else 0


def _run_random(arguments: argparse.Namespace) -> int:
    if arguments.target is not None:
        raise UsageError("--random: expected no INSTANCE or FILE beside it")
    for name in ("order", "rip_constant"):
        if getattr(arguments, name) is not None:
            raise UsageError(
                f"--{name.replace('_', '-')}: does not apply to --random, which draws its own"
            )
    whole_number("--random", arguments.random)
    settings = {
        name: getattr(arguments, name) for name in _DEFAULTS if getattr(arguments, name) is not None
    }
    found: RandomVerification = verify_random(
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
    where = {"instances": len(found.verifications), "settings": settings, "violations": violations}
    _report(arguments, "verify-random", found.rows(), found.table(), where)
    if len(found.verifications) < arguments.random:
        print(
            f"lift-compare: interrupted after {len(found.verifications)} instances", file=sys.stderr
        )
        return 130
    return 1 if found.violations else 0


def _verify_one(arguments: argparse.Namespace, target: str) -> tuple[str, Verification]:
    problem, X, settings = (
        _published(target) if target in PUBLISHED else _from_file(target, arguments.seed)
    )
    for name in settings:
        if getattr(arguments, name) is not None:
            settings[name] = getattr(arguments, name)
    name = target if target in PUBLISHED else instance_name(target)
    order = settings.pop("order")
    with tqdm(desc=f"verify {name}", unit="claim", disable=None, leave=False) as bar:

        def progress(done: int, total: int, claim: str) -> None:
            bar.total, bar.n = total, done
            bar.set_postfix_str(claim)

        verification = verify(
            problem, X, order, **settings,
            rip_constant=arguments.rip_constant, seed=arguments.seed, memory_limit=arguments.memory_limit,
            polish=not arguments.no_polish, title=f"{name}: {problem!r}, order {order}", progress=progress,
        )  # fmt: skip
    return name, verification


def _published(name: str) -> tuple[SensingProblem, Any, dict[str, Any]]:
    published = PUBLISHED[name]
    settings = {
        "order": min(published.order, _LARGEST_DEFAULT_ORDER),
        "rho": published.rho,
        "eta": published.eta,
    }
    return published.build(), published.stationary_point(), {**settings, "steps": published.steps}


def _from_file(target: str, seed: int) -> tuple[SensingProblem, Any, dict[str, Any]]:
    if not target.endswith(".npz") and not Path(target).exists():
        raise UsageError(f"expected one of {', '.join(PUBLISHED)}, or an .npz file, got {target!r}")
    instance = read_instance(target)
    X = spurious_point(instance.problem, seed=seed) if instance.X is None else instance.X
    return instance.problem, X, {"order": 3, **_DEFAULTS}


def _report(
    arguments: argparse.Namespace,
    name: str,
    rows: list[dict[str, Any]],
    text: str,
    settings: dict[str, Any],
) -> None:
    """Write the rows, and print them as asked for."""
    where = provenance(arguments.seed, command="verify", **settings)
    try:
        written = [
            write_csv(arguments.out / f"{name}.csv", rows),
            write_json(arguments.out / f"{name}.json", rows, where),
        ]
    except OSError as error:
        raise UsageError(
            f"--out: {arguments.out} cannot be written to: {error.strerror}"
        ) from error
    if not print_rows(arguments, rows, where):
        print(text)
        print("\nWritten: " + ", ".join(str(path) for path in written))
