"""The shipped grids: they are the published ones, and they give the printed numbers."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.compare.commands.sweep import grid_names, grid_path
from lift_compare.compare.sweeps.rows import Status, StoredRow
from lift_compare.compare.sweeps.run import SweepReport, run_sweep
from lift_compare.compare.sweeps.sweep import Sweep

NUMBERS = json.loads((Path(__file__).parents[2] / "published.json").read_text())
PRINTED, GRIDS = NUMBERS["ablations_printed"], NUMBERS["ablation_grids"]
KEYS = {
    "two-by-two": "two_by_two",
    "perturbed-completion": "perturbed_completion_3",
    "real-system": "real_system",
}


@pytest.fixture(scope="module")
def reports(tmp_path_factory) -> dict[str, SweepReport]:
    """All published grids, run once, without processes."""
    store = tmp_path_factory.mktemp("published") / "s.sqlite"
    with ThreadPoolExecutor(1) as executor:
        return {
            name: run_sweep(Sweep.from_toml(grid_path(name)), store, executor=executor, jobs=1)
            for name in KEYS
        }


@pytest.mark.parametrize("name", KEYS)
def test_grids_vary_one_setting_at_a_time_as_published(name: str) -> None:
    sweep = Sweep.from_toml(grid_path(name))
    base = base_settings(name)
    expected = {
        tuple((base | {setting: value}).items())
        for setting, values in GRIDS[KEYS[name]].items()
        for value in values
    }
    got = {tuple((name, task.settings[name]) for name in base) for task in sweep.tasks}
    assert got == expected
    assert len(sweep) == len(expected)


def same_digits(value: float, printed: float, rounding: float = 0.0) -> bool:
    """Whether a value rounds to the printed number, up to a relative rounding error of the
    printed computation."""
    half_a_unit = 0.5 * 10.0 ** Decimal(repr(printed)).as_tuple().exponent
    return abs(value - printed) <= half_a_unit + rounding * abs(printed)


def published_rows(
    reports: dict[str, SweepReport], key: str
) -> Iterator[tuple[StoredRow, float, str]]:
    """The rows of a printed ablation, each with the printed number and type."""
    setting, _, instance = key.partition("_")
    (name,) = [name for name, json_name in KEYS.items() if json_name == instance]
    for text, (surrogate, kind) in PRINTED[key].items():
        wanted = base_settings(name) | {setting: float(text) if setting == "eta" else int(text)}
        (row,) = [row for row in reports[name].rows if wanted.items() <= row.task.settings.items()]
        yield row, surrogate, kind


def base_settings(name: str) -> dict[str, Any]:
    return vars(sensing.instance(name).settings)


def in_published_arithmetic(row: StoredRow) -> tuple[float, float]:
    """The printed number as it was computed: ν rounded to float64 before it is raised to the
    power T.

    This rounding alone moves ν^T by up to T 2^-53 of itself, and the surrogate, a quartic, by four
    times as much: with T = 59000 the printed numbers hold to ten digits. The toolkit keeps ν − 1
    apart and does not lose them.

    Second: a bound of what rounding leaves of the sum, on either side. It cancels, so that the
    bound is relative to the magnitudes of its terms.
    """
    order, rho, eta, steps = (row.task.settings[name] for name in ("order", "rho", "eta", "steps"))
    published = sensing.instance(row.task.settings["instance"])
    problem, X = published.problem, published.point
    A, b = problem.operator.matrices(), problem.measurements
    G = np.tensordot(np.tensordot(A, X @ X.T) - b, A, axes=1)
    values, vectors = np.linalg.eigh(G)
    sigma = float(np.linalg.norm(X))
    v, u = X[:, 0] / sigma, vectors[:, 0]
    nu = 1 - eta * values[0] ** order
    beta = rho * nu**steps
    gamma = -eta * rho * sigma**order / 2 ** (order - 1) * (nu**steps - 1) / (nu - 1)
    # Roundings of one term: a measurement (n² products of three numbers) and what the eigenvector u
    # is off by (‖G‖ over the gap), raised to the order; the coefficients; the sum of ten terms.
    n, gap = problem.n, values[1] - values[0]
    measurement = 3 * n * n + n * float(np.abs(values).max()) / gap
    roundings = 2 * (order * measurement + 10 + 10) * np.finfo(float).eps
    best = []
    for sign in (1, -1):  # the sign of u is that of an eigenvector routine
        E = sign * (np.outer(u, v) + np.outer(v, u))
        hidden = np.tensordot(np.tensordot(A, E), A, axes=1) @ X[:, 0]
        terms = [(1.0, X[:, 0]), (beta, sign * u), (gamma, hidden)]
        total, magnitudes = -(b**order), np.abs(b) ** order
        for (c, x), (d, y) in itertools.product(terms, terms):
            total = total + c * d * (np.einsum("a,iab,b->i", x, A, y)) ** order
            measured = np.einsum("a,iab,b->i", abs(x), abs(A), abs(y))
            magnitudes = magnitudes + abs(c * d) * measured**order
        rounding = 2 * roundings * float(np.abs(total) @ magnitudes)
        best.append((float(total @ total), rounding))
    return min(best, key=lambda found: abs(found[0] - row.results["h_surrogate_T"]))


ABLATIONS = [key for key in PRINTED if key != "about"]


@pytest.mark.parametrize("key", ABLATIONS)
def test_printed_ablations_are_reproduced_to_the_digits_given(reports, key: str) -> None:
    for row, surrogate, kind in published_rows(reports, key):
        rounding_of_nu = 4 * row.task.settings["steps"] * 2**-53  # 2.6e-11 where T = 59000
        assert same_digits(row.results["h_surrogate_T"], surrogate, rounding_of_nu)
        assert row.results["type"] == kind


@pytest.mark.parametrize("key", ABLATIONS)
def test_all_printed_digits_come_back_with_the_rounding_of_nu(reports, key: str) -> None:
    for row, surrogate, _ in published_rows(reports, key):
        value, rounding = in_published_arithmetic(row)
        assert rounding < 1e-10 * surrogate  # else nothing would be tested
        assert same_digits(value, surrogate, rounding / surrogate)


def test_the_comparison_of_digits_can_fail() -> None:
    assert same_digits(0.957364, 0.95736)
    assert not same_digits(0.957366, 0.95736)
    assert not same_digits(1.33327268666, 1.3332726866)
    assert not same_digits(20089.01679, 20089.0167951805, 2.6e-11)


@pytest.mark.parametrize("name", KEYS)
def test_every_row_of_the_grids_is_done_with_finite_numbers(reports, name: str) -> None:
    for row in reports[name].rows:
        assert row.status is Status.DONE, row.error
        numbers = [value for value in row.results.values() if isinstance(value, float)]
        assert len(numbers) > 20
        assert np.all(np.isfinite(numbers))
        assert row.results["type"] in ("beta", "gamma")


def test_results_agree_with_published_numbers_of_the_instances(reports) -> None:
    def at(name: str) -> dict[str, Any]:
        (row,) = [
            row
            for row in reports[name].rows
            if base_settings(name).items() <= row.task.settings.items()
        ]
        return row.results

    two, known = at("two-by-two"), NUMBERS["two_by_two"]["recomputed"]
    assert two["beta"] == pytest.approx(known["beta_T"], rel=1e-9)
    assert two["gamma"] == pytest.approx(known["gamma_T"], rel=1e-9)
    assert two["h_collapsed"] == pytest.approx(known["h_after"], rel=1e-6)
    assert two["distance_collapsed"] == pytest.approx(known["distance_after"], rel=2e-6)
    assert two["distance_final"] == pytest.approx(known["final_distance"], rel=1e-3)
    assert two["h_exact_start"] == pytest.approx(known["h_exact_w_escape"], rel=1e-9)
    assert two["h_exact_T"] == pytest.approx(
        NUMBERS["two_by_two"]["printed"]["h_exact"]["w_T"], rel=1e-5
    )
    assert two["curvature_along_visible"] == pytest.approx(
        known["curvature_along_visible"]["3"], rel=1e-12
    )
    assert two["near_truth"]

    completion, known = at("perturbed-completion"), NUMBERS["perturbed_completion_3"]["recomputed"]
    assert completion["gamma"] == pytest.approx(known["gamma_T"], rel=1e-8)
    assert completion["h_exact_stationary"] == pytest.approx(
        known["h_exact"]["lifted_stationary_point"], rel=1e-7
    )
    assert completion["h_exact_start"] == pytest.approx(known["h_exact"]["w_escape"], rel=1e-7)
    assert completion["h_exact_T"] == pytest.approx(known["h_exact"]["w_T"], rel=1e-6)
    assert completion["h_exact_term"] == pytest.approx(known["h_exact"]["gamma_c"], rel=1e-5)
    assert completion["h_collapsed"] == pytest.approx(known["h_after"], rel=1e-5)
    assert completion["distance_before"] == pytest.approx(known["distance_before"], rel=1e-6)
    assert completion["smallest_saddle_order"] == known["smallest_saddle_order"]


def test_shipped_grids_can_be_asked_for_by_name() -> None:
    assert set(KEYS) <= set(grid_names())
    for name in grid_names():
        assert len(Sweep.from_toml(grid_path(name))) > 1
