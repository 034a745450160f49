"""One BLAS thread, and a mark for the tests whose numbers pass through BLAS.

`make numbers` runs the marked ones under every kernel.
"""

import gc
import os
import signal
from pathlib import Path

import pytest
from hypothesis import Phase, settings

# pytest -n takes a process a core: more threads on these small matrices only wait for each other.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

# A shell has what it runs in the background ignore Ctrl-C, and children inherit that: the commands
# that tests interrupt would run on.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Random cases are the same ones in every run, so that a failure is seen again; the search for new
# ones is a run of its own: LIFT_COMPARE_EXAMPLES=2000 pytest tests/test_hostile_calls.py
settings.register_profile("repeatable", derandomize=True)
# A mutant is killed by the first example that fails: no smaller one is looked for.
settings.register_profile("mutants", derandomize=True, phases=[Phase.explicit, Phase.generate])
if "MUTANT_UNDER_TEST" in os.environ:
    settings.load_profile("mutants")
elif "LIFT_COMPARE_EXAMPLES" not in os.environ:
    settings.load_profile("repeatable")

HERE = Path(__file__).parent
NUMBERS = (
    *("sensing", "lifting", "simulated"),
    *("compare/published", "compare/verification", "compare/test_agreement.py"),
    *("compare/sweeps/test_published_grids.py", "compare/sweeps/test_success.py"),
    *("compare/sweeps/test_oracle.py", "compare/test_compressed.py", "compare/rivals"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        code = getattr(getattr(item, "function", None), "__code__", None)
        if code is not None and {"traced_peak", "tracemalloc"} & {*code.co_names}:
            item.add_marker(pytest.mark.memory)  # left out by `make mutants`
        if item.path.relative_to(HERE).as_posix().startswith(NUMBERS):
            item.add_marker(pytest.mark.numbers)
    # Two workers share the tests: the longest first, or one of them waits for it at the end.
    items.sort(key=lambda item: item.get_closest_marker("timeout") is None)


@pytest.fixture(autouse=True, scope="module")
def _few_objects_to_collect() -> None:
    """Measured memory is collected before and after: not through all that torch and jax hold."""
    gc.freeze()
