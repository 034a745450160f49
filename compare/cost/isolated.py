"""Run a function in a fresh process with pinned threads, and bring back what it returns or raises.

Memory and time are honest only in a process that has done nothing else: a peak that was reached
before stays in the books, and the number of BLAS threads is fixed when numpy is imported. So the
child is a new interpreter (not a fork), started with the thread limits in its environment. The
request and the reply are pickles over its pipes.

The child runs this file as a script, so its top imports nothing but the standard library.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from lift_compare.sensing.validation import InvalidType

P = ParamSpec("P")
T = TypeVar("T")


class ChildFailed(RuntimeError):  # noqa: N818 (a name that says what happened)
    """The fresh process ended without a result, for example because its memory was too much."""


def in_fresh_process(
    function: Callable[P, T],
    /,
    *args: Any,
    threads: int = 1,
    timeout: float | None = None,
    **kwargs: Any,
) -> T:
    """Return function(*args, **kwargs), evaluated in a fresh interpreter.

    Parameters
    ----------
    function : callable
        A function of an importable module, or a functools.partial of one: it travels by its name.
    *args, **kwargs
        Its arguments; they and the result must be picklable.
    threads : int
        Limit of BLAS threads in the child.
    timeout : float, optional
        Seconds after which the child is ended with TimeoutError.

    Raises
    ------
    TypeError
        If the function or an argument cannot be pickled, or belongs to a script or an interactive
        session.
    ChildFailed
        If the child ended without a result. Whatever the function itself raises is raised here.
    """
    from lift_compare.sensing.validation import whole_number

    from ..threads import limited_children

    threads = whole_number("threads", threads)
    plain = getattr(function, "func", function)  # of a functools.partial
    name = str(getattr(plain, "__qualname__", repr(function)))
    if getattr(plain, "__module__", None) == "__main__":
        raise InvalidType(
            "function: expected a function of an importable module, got one of __main__"
        )
    try:
        request = pickle.dumps((function, args, kwargs))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise InvalidType(
            "function: expected a module-level function with picklable arguments, "
            f"got {function!r} ({error})"
        ) from error
    # -P: the folder of this file is no place to import from; the parent's path is.
    command = [sys.executable, "-P", __file__]
    path = os.pathsep.join(folder or os.getcwd() for folder in sys.path)
    try:
        with limited_children(threads):
            environment = {**os.environ, "PYTHONPATH": path}
            child = subprocess.run(
                command, input=request, capture_output=True, env=environment, timeout=timeout
            )
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(f"{name}: no result after {timeout:.3g} s") from error
    if not child.stdout:
        said = child.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise ChildFailed(": ".join([f"{name}: the fresh process {_end(child.returncode)}", *said]))
    succeeded, value = pickle.loads(child.stdout)
    if not succeeded:
        raise value
    result: T = value
    return result


def _end(code: int) -> str:
    """Return how a process ended, by its exit code."""
    if code >= 0:
        return f"ended with exit code {code} and no result"
    try:
        reason = signal.Signals(-code).name
    except ValueError:
        reason = f"signal {-code}"
    return f"was ended by {reason}" + (" (out of memory?)" if reason == "SIGKILL" else "")


def _serve() -> None:
    """Answer one request: what the child runs."""
    reply = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # What the function prints must not mix with the reply.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        function, args, kwargs = pickle.load(sys.stdin.buffer)
        answer = pickle.dumps((True, function(*args, **kwargs)))
    except Exception as error:
        try:
            answer = pickle.dumps((False, error))
            pickle.loads(answer)  # an exception with its own constructor may not come back
        except Exception:
            answer = pickle.dumps((False, RuntimeError(f"{type(error).__name__}: {error}")))
    with reply:
        reply.write(answer)


if __name__ == "__main__":
    _serve()
