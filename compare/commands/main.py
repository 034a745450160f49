"""The command line: `lift-compare`, or `python -m lift_compare`."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from textwrap import fill
from typing import Any, NoReturn

from lift_compare import __version__
from lift_compare.sensing import InvalidInput
from lift_compare.sensing.instances.custom import InstanceFunctionError
from lift_compare.sensing.validation import did_you_mean

from ..tables import filled, line_width
from .settings import names_an_instance

EXIT_CODES = """Exit codes: 0 done; 1 a consistency check failed, or an evaluation of a sweep; 2 bad
usage or malformed input; 3 an unexpected error, with its traceback; 4 both descents of a comparison
diverged, and agreed until then; 130 interrupted, and it says what was kept."""

_COMMANDS = (
    *("directions", "instances", "rivals", "cost"),
    *("sweep", "export", "verify", "reproduce"),
)
"""The first is the default."""


class _Parser(argparse.ArgumentParser):
    """Refuses bad usage in one sentence, as all refusals are; every help ends in the exit codes."""

    def format_help(self) -> str:
        """Return the help, with the exit codes."""
        return super().format_help() + "\n" + fill(EXIT_CODES, line_width()) + "\n"

    def error(self, message: str) -> NoReturn:
        said = f"lift-compare: error: {message} (see {self.prog} --help)"
        self.exit(2, filled(said) + "\n")


def _parsed(
    parser: argparse.ArgumentParser,
    commands: Mapping[str, argparse.ArgumentParser],
    words: Sequence[str],
) -> argparse.Namespace:
    """Return the words as options; instances may stand before, between and after them."""
    if words[0] not in commands:  # --help, --version
        return parser.parse_args(words)
    chosen = commands[words[0]]
    parsed, unknown = chosen.parse_known_intermixed_args(words[1:])
    for word in unknown:
        if not word.startswith("-"):
            chosen.error(f"unexpected argument {word!r:.60}")
        name, _, _ = word.partition("=")
        known = re.findall(r"--[a-z][a-z-]+", chosen.format_help())
        chosen.error(f"unknown option {name!r:.60}{did_you_mean(name, known)}")
    return parsed


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand and return its exit code."""
    parser = _Parser(
        prog="lift-compare",
        description="Explicit and simulated lifting of low-rank matrix sensing, side by side.",
        epilog=f"Without a command: lift-compare {_COMMANDS[0]}.",
    )
    parser.add_argument("--version", action="version", version=f"lift-compare {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="command")
    for name in _COMMANDS:
        import_module(f".{name}", __package__).add_parser(subparsers)
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or (words[0].startswith("-") and words[0] not in ("-h", "--help", "--version")):
        words.insert(0, _COMMANDS[0])
    try:
        if not words[0].startswith("-") and words[0] not in _COMMANDS:
            known = f"expected one of {', '.join(_COMMANDS)}"
            close = did_you_mean(words[0], _COMMANDS)
            if names_an_instance(words[0]):
                close = f"; for an instance: lift-compare {_COMMANDS[0]} {shlex.join(words)[:60]}"
            parser.error(f"command: {known}, got {words[0]!r:.60}{close}")
        parsed = _parsed(parser, subparsers.choices, words)
    except SystemExit as stop:  # argparse has printed its line; callers in Python get its code
        return int(stop.code or 0)
    except InvalidInput as error:
        return _refused(error)
    try:
        with _warnings_as_lines():
            return int(parsed.run(parsed))
    except InvalidInput as error:
        return _refused(error)
    except BrokenPipeError:  # the reader, for instance `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("lift-compare: interrupted", file=sys.stderr)
        return 130
    except InstanceFunctionError as error:  # a fault of the user's own code, with its traceback
        traceback.print_exception(error.__cause__)
        print(filled(f"lift-compare: error: {error}"), file=sys.stderr)
        return 3
    except Exception:  # a fault of ours, or of a library: whoever mends it needs all of it
        traceback.print_exc()
        print("lift-compare: an unexpected error, please report it", file=sys.stderr)
        return 3


@contextmanager
def _warnings_as_lines() -> Iterator[None]:
    """Print a warning as a sentence, once, and not with the line of our code that gave it."""
    told: set[str] = set()

    def tell(message: Warning | str, *_: Any, **__: Any) -> None:
        said = filled(f"lift-compare: warning: {message}")
        if said not in told:
            told.add(said)
            print(said, file=sys.stderr)

    with warnings.catch_warnings():
        warnings.showwarning = tell
        yield


def _refused(error: InvalidInput) -> int:
    """Say what is wrong with the input; return the exit code."""
    print(filled(f"lift-compare: error: {error}"), file=sys.stderr)
    return 2
