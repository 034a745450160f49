"""Marks the tests whose numbers pass through BLAS: `make numbers` runs them under every kernel."""

from pathlib import Path

import pytest

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
