"""`python -m lift_compare` is the command `lift-compare`."""

import sys

from lift_compare.compare.commands.main import main

if __name__ == "__main__":
    sys.exit(main())
