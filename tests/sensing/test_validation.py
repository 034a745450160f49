"""Refusals name the argument, what was expected and what came."""

import numpy as np
import pytest

from lift_compare.sensing.validation import (
    InvalidValue,
    odd_order,
    positive,
    real_array,
    show_bytes,
    shown,
    whole_number,
)


@pytest.mark.parametrize("order", [1, 3, 11, np.int64(5)])
def test_odd_orders_pass(order) -> None:
    assert odd_order(order) == order


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: odd_order(2), ValueError, "order: expected an odd lifting order .* got 2"),
        (lambda: odd_order(-3), ValueError, "order: expected a whole number of at least 1, got -3"),
        (lambda: odd_order(3.0), TypeError, "order: expected a whole number, got 3.0"),
        (lambda: whole_number("steps", "7"), TypeError, "steps"),
        (lambda: positive("rho", np.inf), ValueError, "rho"),
        (lambda: positive("rho", None), TypeError, "rho"),
        (
            lambda: real_array("A", np.ones((2, 3)), (None, 2)),
            ValueError,
            r"A: expected an array of shape \(any, 2\)",
        ),
    ],
)
def test_refusals(call, error, message) -> None:
    with pytest.raises(error, match=message):
        call()


def test_accepted_values_come_back_as_float64() -> None:
    assert real_array("A", [[1, 2]], (1, None)).dtype == np.float64
    assert positive("rho", 0, or_zero=True) == 0.0


def test_a_value_too_long_to_print_is_shown_by_its_kind() -> None:
    assert shown(10**5000) == "a int too long to print"
    assert shown("x" * 100) == "'" + "x" * 59
    assert shown(InvalidValue) == "<class 'lift_compare.sensing.validation.InvalidValue'>"


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"),
        (512, "512 B"),
        (999, "999 B"),
        (999.5, "1 kB"),
        (1000, "1 kB"),
        (1_234_000, "1.23 MB"),
        (32e9, "32 GB"),
        (2e12, "2 TB"),
        (999.4e15, "999 PB"),
        (1e18, "1.00e+00 EB"),
        (5e21, "5.00e+03 EB"),
    ],
)
def test_bytes_are_shown_in_decimal_units(count: float, words: str) -> None:
    assert show_bytes(count) == words
