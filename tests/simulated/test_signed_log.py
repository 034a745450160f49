"""Signs and logarithms: sums, ways back to float64, and what is refused on them."""

import math

import numpy as np
import pytest

from lift_compare.simulated.signed_log import (
    LARGEST_LOG,
    SMALLEST_LOG,
    signed_log_sum,
    times_exp,
    to_float,
    units_and_logs,
)

TINY = np.finfo(float).tiny


@pytest.mark.parametrize("lead", [(), (2,)])
def test_a_sum_of_no_terms_is_zero(lead):
    empty = np.zeros((*lead, 0))
    sign, log = signed_log_sum(empty, empty)
    assert np.all(sign == 0)
    assert np.all(log == -np.inf)
    assert np.shape(sign) == np.shape(log) == lead
    assert to_float(empty, empty, "x", axes=1).shape == empty.shape


def test_the_ends_of_float64_fit():
    found = to_float(np.array([1.0, -1.0]), np.array([LARGEST_LOG, SMALLEST_LOG]), "x")
    assert found == pytest.approx([np.finfo(float).max, -TINY], rel=1e-12, abs=0)


@pytest.mark.parametrize(("log", "side"), [(710.0, "beyond"), (-709.0, "below")])
def test_a_number_outside_float64_is_refused_with_a_remedy_only_where_there_is_one(log, side):
    for logs in (log, [0.0, log]):
        with pytest.raises(OverflowError, match=rf"^x is about 1e-?308, {side} float64$"):
            to_float(np.ones(np.shape(logs)), np.array(logs), "x")
    with pytest.raises(OverflowError, match=rf"{side} float64; rescale$"):
        to_float(np.ones(1), np.array([log]), "x", "rescale")


def test_small_parts_of_one_thing_and_what_may_be_zero_are_zero():
    assert to_float(np.ones(2), np.array([0.0, -800.0]), "x", axes=1).tolist() == [1.0, 0.0]
    assert to_float(np.ones(1), np.array([-800.0]), "x", small_is_zero=True).tolist() == [0.0]
    assert to_float(np.zeros(1), np.array([-np.inf]), "x").tolist() == [0.0]


def test_a_unit_is_found_whatever_its_scale_without_a_warning():
    arrays = np.array([[3e300, 4e300, 1e-300], [3e-320, 0.0, -4e-320], [0.0, 0.0, 0.0]])
    with np.errstate(all="raise"):
        units, logs = units_and_logs(arrays)
    # 3e-320 has about four digits.
    expected = [[0.6, 0.8, 0.0], [0.6, 0.0, -0.8], [0.0, 0.0, 0.0]]
    assert np.allclose(units, expected, rtol=1e-3, atol=1e-15)
    assert logs[:2] == pytest.approx([math.log(5) + 300 * math.log(10), math.log(5e-320)], rel=1e-6)
    assert logs[2] == -np.inf


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 1)])
def test_arrays_times_powers_and_the_small_entries_that_underflow(shape):
    arrays = np.array([[1.0, -1e-300, 0.0], [0.25, 0.5, TINY]]).reshape(shape)
    with np.errstate(all="raise"):
        found = times_exp(arrays, np.array([-100.0, 0.0]), "x")
    assert found.ravel()[0] == pytest.approx(math.exp(-100), rel=1e-14, abs=0)
    assert np.all(found[0].ravel()[1:] == 0)
    assert np.array_equal(found[1], arrays[1])
    assert times_exp(np.array([[-TINY]]), np.zeros(1), "x").item() == -TINY


@pytest.mark.parametrize("log", [-800.0, 800.0])
@pytest.mark.parametrize("size", [0.5, 2.0])
@pytest.mark.parametrize("first", [True, False])
def test_one_array_of_several_that_leaves_float64_is_refused(log, size, first):
    arrays, logs = np.array([[size, 0.0], [1.0, 1.0]]), np.array([log, 0.0])
    order = [0, 1] if first else [1, 0]
    with np.errstate(all="raise"), pytest.raises(OverflowError, match=r"^x leaves float64$"):
        times_exp(arrays[order], logs[order], "x")
