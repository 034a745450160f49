"""The build backend: setuptools, once four links have put the folders inside the package.

The folders `sensing`, `lifting`, `simulated` and `compare` stand at the top of the repository and
are imported as `lift_compare.sensing` and so on. Setuptools, mypy and editors see an ordinary
package in `src/lift_compare`, provided that the links `src/lift_compare/NAME -> ../../NAME` are
there. They are made here, whenever something is built or installed, and git does not keep them:
so a clone or an archive without symbolic links works too. docs/architecture.md says what else
was tried.
"""

import sys
from pathlib import Path

from setuptools.build_meta import *  # noqa: F403 - the hooks are those of setuptools

ROOT = Path(__file__).resolve().parent
FOLDERS = ("sensing", "lifting", "simulated", "compare")


def link_folders() -> None:
    """Make the links that are missing; a source distribution holds the folders themselves."""
    for name in FOLDERS:
        link = ROOT / "src" / "lift_compare" / name
        if link.exists():
            continue
        link.unlink(missing_ok=True)  # a link that leads nowhere
        try:
            link.symlink_to(Path("..", "..", name), target_is_directory=True)
        except OSError:
            if sys.platform != "win32":
                raise
            import _winapi  # on Windows junctions need no privilege, and symbolic links do

            _winapi.CreateJunction(str(ROOT / name), str(link))


link_folders()
