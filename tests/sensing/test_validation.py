"""Refusals name the argument, what was expected and what came."""

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lift_compare.sensing.validation import (
    InvalidType,
    InvalidValue,
    exponential,
    listed,
    odd_order,
    of_kind,
    path_of,
    positive,
    random_generator,
    real_array,
    real_number,
    refuse_absurd,
    rows_of,
    show_bytes,
    shown,
    true_or_false,
    whole_number,
)


@pytest.mark.parametrize("order", [1, 3, 11, np.int64(5), 1001])
def test_odd_orders_pass(order) -> None:
    assert odd_order(order) == order


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: odd_order(2), ValueError, "order: expected an odd lifting order .* got 2"),
        (lambda: odd_order(-3), ValueError, "order: expected a whole number of at least 1, got -3"),
        (lambda: odd_order(3.0), TypeError, "order: expected a whole number, got 3.0"),
        (lambda: odd_order(1003), ValueError, "order: .* of at most 1001, got 1003$"),
        (lambda: whole_number("steps", "7"), TypeError, "steps"),
        (lambda: whole_number("k", 4, most=3), ValueError, "^k: .* of at most 3, got 4$"),
        (lambda: true_or_false("ok", 1), TypeError, "^ok: expected True or False, got 1$"),
        (lambda: real_number("x", "1"), TypeError, "^x: expected a real number, got '1'$"),
        (lambda: real_number("x", 10**400), ValueError, "^x: .* got 1000+, beyond float64$"),
        (lambda: positive("x", -1, or_zero=True), ValueError, "^x: .* number >= 0, got -1.0$"),
        (lambda: positive("x", 0), ValueError, "^x: expected a finite number > 0, got 0.0$"),
        (lambda: random_generator([3, -1]), ValueError, "^seed: .* at least 0, got -1$"),
        (lambda: random_generator([]), TypeError, r"^seed: expected a whole number, got \[\]$"),
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
    assert whole_number("k", 3, most=3) == 3
    for value in (True, False, np.True_, np.False_):
        assert true_or_false("ok", value) is bool(value)


def test_whatever_numpy_signals_a_number_beyond_float64_is_refused_by_name() -> None:
    with np.errstate(all="raise"), pytest.raises(ValueError, match="x: expected a finite number"):
        real_number("x", np.longdouble("1e400"))


@pytest.mark.parametrize("depth", [1, 60])
def test_a_masked_array_is_found_however_deep_it_lies(depth: int) -> None:
    value: Any = np.ma.masked_array([1.0, 2.0], [True, False])
    for _ in range(depth):
        value = [value]
    with pytest.raises(TypeError, match="A: expected real numbers, got a masked array"):
        real_array("A", value, (None,))


def test_a_list_that_holds_itself_is_refused_by_name() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises((TypeError, ValueError), match="A: expected"):
        real_array("A", value, (None,))


def test_where_the_system_does_not_tell_its_memory_a_million_gigabytes_are_assumed(
    monkeypatch,
) -> None:
    def unknown(name: str) -> int:
        raise ValueError(name)

    monkeypatch.setattr(os, "sysconf", unknown)
    refuse_absurd(2**40, 2**7)
    with pytest.raises(MemoryError, match=r"shape \(1099511627776, 129\).* machine, 1.13 PB"):
        refuse_absurd(2**40, 129)


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
        (999.5e15, "1.0e18 bytes"),
        (1e18, "1.0e18 bytes"),
        (np.int64(2 * 10**18), "2.0e18 bytes"),
        (1.87e25, "1.9e25 bytes"),
        (8 * 10**25, "8.0e25 bytes"),
        pytest.param(125 * 10**2000, "1.2e2002 bytes", id="beyond float64"),
        pytest.param(10**5000, "1.0e5000 bytes", id="beyond the digits that Python prints"),
        (float("inf"), "Infinity bytes"),
    ],
)
def test_sizes_of_memory_are_shown_in_decimal_units(count: float, words: str) -> None:
    assert show_bytes(count) == words


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (math.log(9.96), "1.0e1"),  # not 10.0e0
        (math.log(4.2e-7), "4.2e-7"),
        (5000 * math.log(2), "1.4e1505"),  # 2^5000 has 1506 digits, the first ones 141
        (-749.0, "5.2e-326"),  # 5.169e-326, below float64
    ],
)
def test_a_number_beyond_float64_is_shown_by_its_logarithm(log: float, said: str) -> None:
    assert exponential(log) == said


def test_rows_are_mappings_and_as_many_as_are_needed() -> None:
    rows = [{"n": 3}, {}]
    assert rows_of("rows", iter(rows), "rows of mine") == rows
    assert rows_of("rows", [], "rows of mine") == []
    assert rows_of("rows", rows, "rows of mine", least=2) == rows
    for wrong in (None, 3, "rows", Path("rows")):
        with pytest.raises(InvalidType, match=r"^rows: expected rows of mine, got ."):
            rows_of("rows", wrong, "rows of mine")
    with pytest.raises(InvalidType, match=r"^rows\[1\]: expected a row \(a mapping\), got 3$"):
        rows_of("rows", [{}, 3], "rows of mine")
    with pytest.raises(InvalidValue, match=r"^rows: expected rows of mine, got none$"):
        rows_of("rows", [], "rows of mine", least=1)


def test_the_members_of_any_sequence_are_listed_and_one_alone_is_none() -> None:
    for members in ([3, "x"], (3, "x"), iter([3, "x"])):
        assert listed("orders", members, "a list") == [3, "x"]
    for alone in ("x", Path("x"), 3, None):
        with pytest.raises(InvalidType, match=r"^orders: expected a list, got ."):
            listed("orders", alone, "a list")


def test_a_path_is_a_text_or_says_its_own() -> None:
    class Own(os.PathLike):
        def __fspath__(self) -> bytes:
            return b"a/b"

    for path in ("a/b", Path("a/b"), Own()):
        assert path_of("out", path) == Path("a/b")
    with pytest.raises(InvalidType, match=r"^out: expected a path, got 3$"):
        path_of("out", 3)


def test_a_value_of_another_kind_is_refused() -> None:
    of_kind("x", 3, int, "a count")
    with pytest.raises(InvalidType, match=r"^x: expected a count, got '3'$"):
        of_kind("x", "3", int, "a count")
