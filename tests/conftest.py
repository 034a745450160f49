"""One BLAS thread, and a mark for the tests whose numbers pass through BLAS.

`make numbers` runs the marked ones under every kernel.
"""

import gc
import os
from pathlib import Path

import pytest

# pytest -n takes a process a core: more threads on these small matrices only wait for each other.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

HERE = Path(__file__).parent
NUMBERS = (
    *("sensing", "lifting", "simulated"),
    *("compare/published", "compare/verification", "compare/test_agreement.py"),
    *("compare/sweeps/test_published_grids.py", "compare/sweeps/test_success.py"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.relative_to(HERE).as_posix().startswith(NUMBERS):
            item.add_marker(pytest.mark.numbers)


@pytest.fixture(autouse=True, scope="module")
def _few_objects_to_collect() -> None:
    """Measured memory is collected before and after: not through all that torch and jax hold."""
    gc.freeze()
