"""The examples in docs/escapes.md do what they show."""

import doctest
from pathlib import Path


def test_examples():
    page = Path(__file__).parents[2] / "docs" / "escapes.md"
    result = doctest.testfile(str(page), module_relative=False)
    assert result.attempted >= 8
    assert result.failed == 0
