"""`python -m lift_compare` is the command `lift-compare`."""

import sys


def main() -> int:
    """Run the command line; return its exit code.

    It is imported here, so that Ctrl-C is answered in one line while numpy and scipy are loaded.
    """
    try:
        from lift_compare.compare.commands.main import main

        return main()
    except KeyboardInterrupt:
        print("lift-compare: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
