"""The cost figures: what is drawn is what the rows say, the refused region included."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from lift_compare.compare.figures.cost import cost_bytes, cost_seconds, cost_slices
from lift_compare.compare.figures.style import text_alternative
from lift_compare.compare.figures.svg_files import save_svg

LIMIT = 10**9


def row(n, method, form=None, *, seconds=None, count=None, **more):
    base = {
        "operator": "sparse",
        "n": n,
        "rank": 1,
        "m": 10 * n,
        "m_rule": "10n",
        "order": 3,
        "allowed_bytes": LIMIT,
    }
    base |= {"method": method, "form": form, "predicted_bytes": count}
    if seconds is None:
        return base | {"status": "refused", **more}
    times = {
        "run_seconds": seconds,
        "run_seconds_low": seconds / 2,
        "run_seconds_high": 2 * seconds,
    }
    return base | {
        "status": "measured",
        "traced_bytes": count,
        "resident_bytes": count,
        **times,
        **more,
    }


@pytest.fixture
def rows():
    simulated = [
        row(n, "exact", seconds=4e-5, count=100 * n) | {"predicted_bytes": None}
        for n in (4, 8, 16, 100_000)
    ]
    normal = [row(4, "explicit", "normal", seconds=1e-3, count=10**6)]
    normal += [row(n, "explicit", "normal", count=10**12) for n in (8, 16, 100_000)]
    entrywise = [
        row(n, "explicit", "entrywise", seconds=1e-6 * n**3, count=8 * n**3) for n in (4, 8)
    ]
    entrywise += [row(n, "explicit", "entrywise", count=2 * 10**9) for n in (16, 100_000)]
    return [*normal, *entrywise, *simulated]


def lines(ax):
    return {line.get_label(): line for line in ax.get_lines()}


def test_seconds_against_n_with_the_region_where_every_form_is_refused(rows):
    fig, ax = cost_seconds(rows)
    assert isinstance(fig, Figure)
    assert ax.figure is fig
    drawn = lines(ax)
    assert set(drawn) == {
        "explicit, normal (refused from $n = 8$)",
        "explicit, entrywise (refused from $n = 16$)",
        "exact simulation",
    }
    assert list(drawn["exact simulation"].get_xdata()) == [4, 8, 16, 100_000]
    assert list(drawn["explicit, entrywise (refused from $n = 16$)"].get_ydata()) == [
        6.4e-5,
        5.12e-4,
    ]
    (region,) = ax.patches
    assert region.get_x() == 16
    assert region.get_x() + region.get_width() >= 100_000
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert ax.get_xlabel() == "side $n$"
    assert ax.get_ylabel() == "seconds"
    assert "refused from n = 8): 1 ms at 4" in text_alternative(fig)
    band = ax.collections[0].get_paths()[0].vertices
    assert band[:, 1].min() == pytest.approx(5e-4)
    assert band[:, 1].max() == pytest.approx(2e-3)


def test_bytes_are_the_traced_ones_and_no_line_crosses_for_noise(rows):
    """Resident peaks are noise below 1 MB: as lines they would cross each other."""
    noisy = [dict(r, resident_bytes=10**6 * (1 + n % 3)) for n, r in enumerate(rows)]
    _, ax = cost_bytes(noisy)
    drawn = lines(ax)
    assert list(drawn["exact simulation"].get_ydata()) == [400, 800, 1600, 10**7]
    assert list(drawn["explicit, entrywise"].get_ydata()) == [512, 4096]
    assert list(drawn["explicit, normal"].get_ydata()) == [10**6]
    assert ax.get_ylabel() == "traced peak above the inputs (bytes)"
    assert "exact simulation: 400 B at 4, 10 MB at 100,000." in text_alternative(ax.figure)


def test_refused_sizes_stand_in_a_band_above_all_that_is_measured(rows):
    _, ax = cost_bytes(rows)
    (region,) = ax.patches
    measured = [
        y for line in lines(ax).values() if line.get_linestyle() != "None" for y in line.get_ydata()
    ]
    assert region.get_y() > max(measured)
    low, high = ax.get_ylim()
    for line in ax.get_lines():
        if line.get_linestyle() == "None":  # markers of refused sizes, in heights of the axes
            (height,) = set(line.get_ydata())
            assert low * (high / low) ** height > region.get_y()
    assert {t.get_text() for t in ax.texts} == {
        "refused, normal: 1 TB",
        "refused, entrywise: 2 GB",
    }
    assert max(ax.get_yticks()) <= region.get_y()
    assert "normal from n = 8 to 100,000 needs 1 TB" in text_alternative(ax.figure)


def test_no_region_where_nothing_is_refused_and_the_order_is_a_linear_axis(rows):
    kept = [
        dict(r, order=order)
        for order in (1, 3, 5)
        for r in rows
        if r["status"] == "measured" and r["n"] == 4
    ]
    for draw in (cost_seconds, cost_bytes):
        _, ax = draw(kept, axis="order")
        assert not ax.patches
        assert (ax.get_xscale(), ax.get_yscale()) == ("linear", "log")
        assert list(ax.get_xticks()) == [1, 3, 5]
        assert ax.get_xlabel() == "lifting order $l$"
        assert "$n = 4$" in ax.get_title(loc="left")


def test_it_draws_where_it_is_told_and_leaves_the_session_alone(rows, tmp_path):
    before = dict(mpl.rcParams)
    axes = Figure().subplots(1, 2)
    for draw, ax in zip((cost_seconds, cost_bytes), axes, strict=True):
        assert draw(rows, ax=ax) == (ax.figure, ax)
    assert dict(mpl.rcParams) == before
    assert "<svg" in save_svg(axes[0].figure, tmp_path / "both.svg").read_text(encoding="utf-8")


def test_failed_and_missing_measurements_do_not_break_the_figure(rows):
    broken = [dict(r) for r in rows]
    for r in broken:
        if r["form"] == "normal":
            r.update(
                status="failed",
                run_seconds=None,
                predicted_bytes=None,
                resident_bytes=None,
            )
        r["traced_bytes"] = None
    _, ax = cost_seconds(broken)
    assert "explicit, normal (failed at $n = 4$)" in lines(ax)
    _, ax = cost_bytes(broken)
    assert np.isfinite(ax.get_ylim()).all()


def test_the_slices_are_the_longest_series_along_one_size():
    rows = [row(n, "exact", seconds=1.0) for n in (4, 8, 16, 32)]
    rows += [row(n, "exact", seconds=1.0, order=5) for n in (4, 8, 16)]
    rows += [row(4, "exact", seconds=1.0, order=order) for order in (1, 7)]
    slices = cost_slices(rows)
    assert set(slices) == {("sparse", "n"), ("sparse", "order")}
    assert [(r["n"], r["order"]) for r in slices["sparse", "n"]] == [
        (4, 3),
        (8, 3),
        (16, 3),
        (32, 3),
    ]
    assert sorted(r["order"] for r in slices["sparse", "order"]) == [1, 3, 5, 7]
    assert cost_slices([]) == {}


def test_few_sizes_are_ticks_that_do_not_run_into_each_other():
    kept = [row(n, "exact", seconds=1.0, count=n) for n in (4, 8, 16, 32, 64)]
    for draw in (cost_seconds, cost_bytes):
        fig, ax = draw(kept)
        fig.canvas.draw()
        assert [tick.get_text() for tick in ax.get_xticklabels()] == ["4", "8", "16", "32", "64"]
        assert not any(tick.get_text() for tick in ax.get_xticklabels(minor=True))
