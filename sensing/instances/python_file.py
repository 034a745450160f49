"""A file of Python as a module, as its text is now."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType


def module_of_file(file: Path, name: str) -> ModuleType:
    """Run the file as a module of this name, and return it.

    Python's own loader would take bytecode that was kept for the file before it changed, if that
    was in the same second and left its size.
    """
    spec = spec_from_file_location(name, file)
    assert spec is not None
    module = module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look up the module that they are in
    # dont_inherit: the `from __future__ import annotations` above is not the file's own.
    exec(compile(file.read_bytes(), str(file), "exec", dont_inherit=True), module.__dict__)
    return module
