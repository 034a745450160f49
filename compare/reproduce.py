"""All published figures from our own runs, and one report of where printed and computed numbers differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from tqdm import tqdm

from lift_compare.sensing.validation import whole_number

from .figures.style import svg, write_svg
from .provenance import provenance
from .published import PUBLISHED
from .published_comparison import ORDERS, PublishedComparison, compare_published
from .report import Difference, Drawing, Section, report_html
from .reproduction import lifted_differences, matrix_differences, measured_sections, sections
from .reproduction.case import Case
from .reproduction.phases import phase_section
from .success import SuccessRates, success_rates
from .tables import Column, text_table

QUICK_STEPS = 5_000
"""Steps of the exact simulation in the quick run; the full run makes the published number."""

COLUMNS = (
    Column("name", "comparison"),
    Column("differs", "differs"),
    Column("title", "what is compared"),
)
"""The columns of the printed table; the rows hold the numbers and the evidence too."""


@dataclass
class Reproduction:
    """What `reproduce` made: it grows while the run goes on.

    Attributes
    ----------
    report : Path
        The page.
    figures : list of Path
        The SVG files, one a figure.
    differences : list of Difference
        Printed against computed.
    consistent : bool
        Whether explicit and exactly simulated lifting agree wherever both ran.
    complete : bool
        Whether every section was reached.
    """

    report: Path
    figures: list[Path] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    consistent: bool = True
    complete: bool = False

    def rows(self) -> list[dict[str, Any]]:
        """Return the differences as rows."""
        return [difference.row() for difference in self.differences]

    def table(self) -> str:
        """Return the text table: each comparison, and whether printed and computed differ."""
        return text_table(
            COLUMNS,
            self.rows(),
            title="Printed against computed; numbers and evidence in the report",
        )

    def __repr__(self) -> str:
        differ = sum(difference.differs for difference in self.differences)
        return (
            f"Reproduction({len(self.figures)} figures, {differ} of {len(self.differences)} comparisons differ; "
            f"explicit and exact simulation {'agree' if self.consistent else 'DISAGREE'}; {self.report})"
        )


def reproduce(out: str | Path, *, quick: bool = False, seed: int = 0) -> Reproduction:
    """Draw all published figures from our own runs, and write them with a report to a folder.

    The folder receives `report.html`, a page that needs no other file, and `figures/*.svg`. A
    figure is written as soon as it is drawn; when the run is interrupted the report of what was
    finished is still written.

    Parameters
    ----------
    out : str or Path
        The folder; it is made if need be.
    quick : bool
        Take fewer sizes, starts and steps where that changes no conclusion: two minutes instead of some more.
    seed : int
        Seed of everything random: stochastic descents, starts of the success rates, samples of the RIP bound.

    Returns
    -------
    Reproduction

    Raises
    ------
    TypeError, ValueError
        For a seed that is not a whole number from 0 on.
    """
    seed, out = whole_number("seed", seed, least=0), Path(out)
    result = Reproduction(out / "report.html")
    run = _Run(out, quick, seed, result)
    made: list[Section] = []
    try:
        with tqdm(total=len(run.parts), desc="reproduce", unit="part", disable=None) as progress:
            for name, part in run.parts.items():
                progress.set_postfix_str(name)
                made.append(part())
                progress.update()
        result.complete = True
    finally:
        _write(result, made, quick=quick, seed=seed)
    return result


class _Run:
    """The parts of one run, with what they share."""

    def __init__(self, out: Path, quick: bool, seed: int, result: Reproduction) -> None:
        self.out, self.quick, self.seed, self.result = out, quick, seed, result
        self.cases = {
            name: Case(name, exact_steps=QUICK_STEPS if quick else 10**9) for name in PUBLISHED
        }
        self._comparison: PublishedComparison | None = None
        self._rates: SuccessRates | None = None
        self.parts: dict[str, Callable[[], Section]] = {
            "landscape": lambda: sections.landscape_section(
                self.cases["two-by-two"], self.show, seed=seed
            ),
            "perturbed completion": lambda: sections.panels_section(
                "Panels of perturbed completion",
                "completion",
                self.cases["perturbed-completion"],
                self.show,
            ),
            "real system": lambda: sections.panels_section(
                "Panels of the real system", "real", self.cases["real-system"], self.show
            ),
            "lifted path": self.lifted_path,
            "phase diagrams": lambda: phase_section(self.cases, self.show, quick=quick),
            "success rates": lambda: measured_sections.success_section(
                self.rates, self.show, trials=20 if quick else 50
            ),
            "cost": lambda: measured_sections.cost_section(
                self.comparison, self.show, grid=not quick, seed=seed
            ),
            "differences": self.differences,
        }

    def lifted_path(self) -> Section:
        """Run the explicit lift beside its simulations."""
        steps = {
            "two-by-two": 660,
            "perturbed-completion": 20 if self.quick else 400,
            "real-system": 400,
        }
        section, agree = sections.lifted_section(
            self.cases, self.comparison, self.show, steps=steps
        )
        self.result.consistent = self.result.consistent and agree
        return section

    def show(self, name: str, figure: Figure, caption: str) -> Drawing:
        """Write a figure as a file, and return it as part of the page."""
        drawing = Drawing(name, svg(figure, name), caption)
        self.result.figures.append(write_svg(drawing.svg, self.out / "figures" / f"{name}.svg"))
        return drawing

    @property
    def comparison(self) -> PublishedComparison:
        """Explicit against simulated lifting on the published instances."""
        if self._comparison is None:
            self._comparison = compare_published(
                orders=(3, 5) if self.quick else ORDERS, seed=self.seed
            )
        return self._comparison

    @property
    def rates(self) -> SuccessRates:
        """The success rates."""
        if self._rates is None:
            sizes, starts = ((40, 60, 80), 20) if self.quick else ((40, 50, 60, 70, 80), 50)
            self._rates = success_rates(sizes, starts=starts, seed=self.seed)
        return self._rates

    def differences(self) -> Section:
        """Hold what is printed against what was computed."""
        cases, quick, seed = self.cases, self.quick, self.seed
        found = self.result.differences
        for compare in (
            lifted_differences.surrogate_not_objective,
            lifted_differences.surrogate_sign,
            lifted_differences.real_system_acceptance,
            lifted_differences.real_system_curvature,
            matrix_differences.strict_decrease,
            lifted_differences.acceptance_rules,
            lifted_differences.truncation,
            lifted_differences.saddle_order,
            lambda cases: matrix_differences.plane_valley(
                cases, iterations=0 if quick else 300_000
            ),
            lambda cases: matrix_differences.rip_constants(
                cases, samples=10 if quick else 50, seed=seed
            ),
            lifted_differences.w_escape,
            lambda _: matrix_differences.success(self.rates),
            lambda cases: matrix_differences.trapped(cases, runs=20 if quick else 100, seed=seed),
            lifted_differences.printed_digits,
        ):
            found.append(compare(cases))
        return Section(
            DIFFERENCES,
            [
                "Every number of the evidence was computed in this run; only what is quoted as published was not.",
                *sorted(found, key=lambda difference: not difference.differs),
                lifted_differences.acceptance_table(cases),
            ],
        )


DIFFERENCES = "Where the published numbers and the exact computation differ"
"""Title of the section that lists the differences."""


def _write(result: Reproduction, made: list[Section], *, quick: bool, seed: int) -> None:
    """Write the page, with the differences first."""
    ordered = sorted(made, key=lambda section: section.title != DIFFERENCES)
    differ = sum(difference.differs for difference in result.differences)
    agreement = (
        "agree to 1e-10 wherever both ran" if result.consistent else "DISAGREE: see the lifted path"
    )
    summary = [
        "The figures of “Escaping Local Minima Provably in Non-convex Matrix Sensing: A Deterministic Framework via "
        "Simulated Lifting” (Shen, Yang, He, Gao, Ma, arXiv 2602.05887), drawn anew from runs of this toolkit, with "
        "the exact lifted objective beside what was published.",
        f"{len(result.figures)} figures. Of {len(result.differences)} comparisons of printed with computed numbers "
        f"{differ} differ. The explicit lift and its exact simulation {agreement}."
        + (" This is the quick run: fewer sizes, starts and steps." if quick else ""),
    ]
    if not result.complete:
        summary.append(
            "This run was interrupted: the sections after the last one shown are missing."
        )
    page = report_html(
        "Simulated lifting: the published figures, recomputed",
        summary,
        ordered,
        provenance(seed, quick=quick),
    )
    result.report.parent.mkdir(parents=True, exist_ok=True)
    result.report.write_text(page, encoding="utf-8")
