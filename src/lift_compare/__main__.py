"""`python -m lift_compare` is the command `lift-compare`."""

import atexit
import os
import signal
import sys

INTERRUPTED = 130


def main() -> int:
    """Run the command line; return its exit code.

    It is imported here, so that Ctrl-C is answered in one line while numpy and scipy are loaded.
    """
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


if __name__ == "__main__":
    sys.exit(main())
