"""The fits, on costs whose exponents are known."""

from __future__ import annotations

import pytest

from lift_compare.compare.cost.scaling import growth_factor, power_law, scaling_exponents


def rows(sizes, seconds, *, axis="n", flops=None, **fixed):
    base = {
        "operator": "gaussian",
        "method": "explicit",
        "form": "normal",
        "n": 4,
        "rank": 1,
        "m": 8,
        "m_rule": "8",
    }
    base |= {"order": 3, "status": "measured", **fixed}
    return [
        {
            **base,
            axis: size,
            "run_seconds": seconds(size),
            **({"predicted_flops": flops(size)} if flops else {}),
        }
        for size in sizes
    ]


def test_a_power_and_a_base_are_found():
    assert power_law([2, 4, 8], [3 * 2**2.5, 3 * 4**2.5, 3 * 8**2.5]) == pytest.approx(2.5)
    assert growth_factor([1, 3, 5], [7.0, 63.0, 567.0]) == pytest.approx(3.0)


def test_only_the_large_part_is_fitted_so_that_overhead_does_not_flatten_it():
    sizes = [1, 2, 4, 8, 16, 32, 64, 128]
    (fit,) = scaling_exponents(
        rows(sizes, lambda n: 1.0 if n < 16 else n**3 / 4096, flops=lambda n: 5 * n**3)
    )
    assert (fit.axis, fit.quantity, fit.smallest, fit.largest, fit.points) == (
        "n",
        "run_seconds",
        16,
        128,
        4,
    )
    assert fit.measured == pytest.approx(3)
    assert fit.predicted == pytest.approx(3)
    assert fit.fixed == "rank = 1, order = 3, m = 8"


def test_the_order_is_fitted_as_a_growth_factor_and_a_flat_cost_gives_one():
    (explicit,) = scaling_exponents(rows([1, 3, 5, 7], lambda order: 2.0 * 4**order, axis="order"))
    assert explicit.axis == "order"
    assert explicit.measured == pytest.approx(4)
    assert explicit.predicted is None
    (flat,) = scaling_exponents(
        rows([1, 3, 5, 7], lambda order: 2e-5, axis="order", method="exact", form=None)
    )
    assert flat.measured == pytest.approx(1)


def test_m_that_follows_n_is_one_series_and_other_sizes_stay_apart():
    along_n = [
        row | {"m": row["n"] ** 2, "m_rule": "n^2"} for row in rows([4, 8, 16], lambda n: n**2)
    ]
    other = rows([4, 8, 16], lambda n: n**4, rank=2)
    fits = scaling_exponents([*along_n, *other])
    assert sorted((fit.fixed, round(fit.measured, 6)) for fit in fits) == [
        ("rank = 1, order = 3, m = n^2", 2.0),
        ("rank = 2, order = 3, m = 8", 4.0),
    ]


def test_refused_rows_do_not_count_and_too_few_sizes_give_no_fit():
    some = rows([4, 8, 16], lambda n: n**2)
    some[-1]["status"] = "refused"
    assert scaling_exponents(some) == []
    assert scaling_exponents([]) == []


def test_no_exponent_is_fitted_to_the_noise_of_resident_peaks() -> None:
    base = {"status": "measured", "operator": "gaussian", "method": "exact", "form": None}
    base |= {"rank": 1, "m_rule": "2n", "order": 3}
    sizes = (8, 16, 32)
    noise = [base | {"n": n, "m": 2 * n, "resident_bytes": 4096 * n} for n in sizes]
    assert scaling_exponents(noise) == []
    told = [base | {"n": n, "m": 2 * n, "resident_bytes": 10**6 * n**2} for n in sizes]
    (fit,) = scaling_exponents(told)
    assert fit.quantity == "resident_bytes"
    assert fit.measured == pytest.approx(2)
