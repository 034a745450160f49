"""Run a function in a fresh process with pinned threads, and bring back what it returns or raises.

Memory and time are honest only in a process that has done nothing else: a peak that was reached
before stays in the books, and the number of BLAS threads is fixed when numpy is imported. So the
child is a new interpreter (not a fork), started with the thread limits in its environment. The
request and the reply are pickles over its pipes.

The child runs this file as a script, so nothing but the standard library may be imported at its
top.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
"""The environment variables that limit the threads of BLAS and its kin; they are read when numpy is imported."""


class ChildFailed(RuntimeError):  # noqa: N818 (a name that says what happened)
    """The fresh process ended without a result, for example because the system killed it for its memory."""


def in_fresh_process(
    function: Callable[P, T],
    /,
    *args: Any,
    threads: int = 1,
    timeout: float | None = None,
    **kwargs: Any,
) -> T:
    """Return function(*args, **kwargs), evaluated in a fresh interpreter limited to `threads` threads.

    Parameters
    ----------
    function : callable
        A function of an importable module, or a functools.partial of one: it travels by its name.
    *args, **kwargs
        Its arguments; they and the result must be picklable.
    threads : int
        Limit written to `THREAD_VARIABLES` in the child's environment.
    timeout : float, optional
        Seconds after which the child is ended with TimeoutError.

    Raises
    ------
    TypeError
        If the function or an argument cannot be pickled, or belongs to a script or an interactive session.
    ChildFailed
        If the child ended without a result. Whatever the function itself raises is raised here.
    """
    from lift_compare.sensing.validation import whole_number

    threads = whole_number("threads", threads)
    name = getattr(getattr(function, "func", function), "__module__", None)
    if name == "__main__":
        raise TypeError(
            "function: expected a function of an importable module, got one of __main__"
        )
    try:
        request = pickle.dumps((function, args, kwargs))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise TypeError(
            f"function: expected a module-level function with picklable arguments, got {function!r} ({error})"
        ) from error
    command = [
        sys.executable,
        "-P",
        __file__,
    ]  # -P: the folder of this file is no place to import from
    environment = {
        **os.environ,
        **dict.fromkeys(THREAD_VARIABLES, str(threads)),
        "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),
    }
    try:
        child = subprocess.run(
            command, input=request, capture_output=True, env=environment, timeout=timeout
        )
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(f"{_name(function)}: no result after {timeout:.3g} s") from error
    if not child.stdout:
        raise ChildFailed(
            f"{_name(function)}: the fresh process {_end(child.returncode)}{_last_line(child.stderr)}"
        )
    succeeded, value = pickle.loads(child.stdout)
    if not succeeded:
        raise value
    result: T = value
    return result


def _serve() -> None:
    """Answer one request: what the child runs."""
    reply = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(
        sys.stderr.fileno(), sys.stdout.fileno()
    )  # what the function prints must not mix with the reply
    try:
        function, args, kwargs = pickle.load(sys.stdin.buffer)
        answer = pickle.dumps((True, function(*args, **kwargs)))
    except Exception as error:
        try:
            answer = pickle.dumps((False, error))
            pickle.loads(
                answer
            )  # an exception with its own constructor may pickle but not come back
        except Exception:
            answer = pickle.dumps((False, RuntimeError(f"{type(error).__name__}: {error}")))
    with reply:
        reply.write(answer)


def _name(function: Any) -> str:
    return str(getattr(getattr(function, "func", function), "__qualname__", repr(function)))


def _end(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code} and no result"
    try:
        reason = signal.Signals(-code).name
    except ValueError:
        reason = f"signal {-code}"
    return f"was ended by {reason}" + (" (out of memory?)" if reason == "SIGKILL" else "")


def _last_line(stderr: bytes) -> str:
    lines = stderr.decode(errors="replace").strip().splitlines()
    return f": {lines[-1]}" if lines else ""


if __name__ == "__main__":
    _serve()
