"""`python -m lift_compare` is the command `lift-compare`."""

import atexit
import os
import signal
import sys
from typing import Any

INTERRUPTED = 130


def main() -> int:
    """Run the command line; return its exit code.

    It is imported here, so that Ctrl-C is answered in one line while numpy and scipy are loaded.
    """
    _interrupt_again_where_it_was_lost()
    try:
        from lift_compare.compare.commands.main import main

        code = main()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is done: only the end is left
    except KeyboardInterrupt:
        print("lift-compare: interrupted", file=sys.stderr)
        code = INTERRUPTED
    if code == INTERRUPTED:
        # A KeyboardInterrupt that has passed through exec(), as in the making of a dataclass,
        # leaves a flag with which CPython ends by SIGINT whatever code it is given.
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


def _interrupt_again_where_it_was_lost() -> None:
    """See to it that no Ctrl-C is lost in code whose exceptions Python drops.

    The callbacks of weak references are such code, and figures have many.
    """
    if not hasattr(signal, "setitimer"):  # Windows
        return
    usual = sys.unraisablehook

    def hook(lost: Any) -> None:
        if issubclass(lost.exc_type, KeyboardInterrupt):
            signal.setitimer(signal.ITIMER_REAL, 0.01)  # by then the callback is over
        else:
            usual(lost)

    def interrupt(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGALRM, interrupt)
    sys.unraisablehook = hook


if __name__ == "__main__":
    sys.exit(main())
