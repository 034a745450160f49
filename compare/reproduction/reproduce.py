"""All published figures from our own runs, and one report of where printed and computed differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from tqdm import tqdm

from lift_compare import sensing
from lift_compare.sensing import Instance
from lift_compare.sensing.instances.published import PUBLISHED
from lift_compare.sensing.validation import InvalidType, path_of, shown, whole_number, writing

from ..figures.mathematics import literal, plain_text
from ..figures.pdf_files import save_pdf
from ..figures.svg_files import svg, write_svg
from ..provenance import provenance
from ..published.comparison import ORDERS, InstanceComparison, compare_instances
from ..sweeps.success import SuccessRates, success_rates
from ..tables import Column, text_table
from ..tabular import Tabular
from . import lifted_differences, matrix_differences, measured, sections
from .phases import phase_section
from .report import Difference, Drawing, Kind, Section, report_html
from .runs import Runs
from .summary import agreement, classes, counted, own_summary, published_summary

QUICK_STEPS = 5_000
"""Steps of the exact simulation in the quick run; the full run makes the published number."""

DIFFERENCES = "Published statements and the exact computation"
"""Title of the section that lists the differences."""

COLUMNS = (
    Column("name", "comparison"),
    Column("class", "what it comes to"),
    Column("title", "what is compared"),
)
"""The columns of the printed table; the rows hold the numbers and the evidence too."""

FINDINGS = (Column("about", "about"), Column("finding", "what the computation says"))
"""The columns of the same of an instance of your own."""


@dataclass
class Reproduction(Tabular):
    """What `reproduce` made: it grows while the run goes on.

    Attributes
    ----------
    report : Path
        The page.
    figures : list of Path
        The SVG files, one a figure.
    differences : list of Difference
        Printed against computed; none for instances of your own.
    consistent : bool
        Whether explicit and exactly simulated lifting agree wherever both ran.
    complete : bool
        Whether every section was reached.
    compared : int
        How many descents of the explicit lift were held against their exact simulation.
    findings : list of dict
        What the summary says of an instance of your own; empty for the published ones.
    """

    report: Path
    figures: list[Path] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    consistent: bool = True
    complete: bool = False
    compared: int = 0
    findings: list[dict[str, Any]] = field(default_factory=list)

    @property
    def _columns(self) -> tuple[Column, ...]:  # type: ignore[override]
        return FINDINGS if self.findings else COLUMNS

    def rows(self) -> list[dict[str, Any]]:
        """Return the differences as rows, or the findings on an instance of your own."""
        return self.findings or [difference.row() for difference in self.differences]

    def table(self) -> str:
        """Return the text table: each comparison, and what it comes to; or the findings."""
        if self.findings:
            return text_table(FINDINGS, self.findings, title="Findings; figures in the report")
        title = "Printed against computed; numbers and evidence in the report"
        order = [kind.value for kind in Kind]
        rows = sorted(self.rows(), key=lambda row: order.index(row["class"]))
        return text_table(COLUMNS, rows, title=title)

    def __repr__(self) -> str:
        said = f" {counted(self.differences)}" if self.differences else ""
        agree = "agree" if self.compared else "were not compared"
        return (
            f"Reproduction({_figures(self.figures)} in {self.report}; explicit and exact "
            f"simulation {agree if self.consistent else 'DISAGREE'}.{said})"
        )


def reproduce(
    out: str | Path,
    *,
    quick: bool = False,
    seed: int = 0,
    instance: Instance | None = None,
    pdf: bool = False,
) -> Reproduction:
    """Draw all published figures from our own runs, and write them with a report to a folder.

    The folder receives `report.html`, a page that needs no other file, and `figures/*.svg`. A
    figure is written as soon as it is drawn; when the run is interrupted the report of what was
    finished is still written. Tables of differences or findings are written by the command alone.

    Parameters
    ----------
    out : str or Path
        The folder; it is made if need be.
    quick : bool
        Take fewer sizes, starts and steps where that changes no conclusion: two minutes instead of
        some more.
    seed : int
        Seed of everything random: stochastic descents, starts of the success rates, samples of the
        RIP bound.
    instance : Instance, optional
        Draw the panels, paths, phase diagrams and costs of this instance instead.
    pdf : bool
        Write every figure as a PDF too.

    Returns
    -------
    Reproduction
        With `.report`, `.figures`, `.differences`, `.rows()`, `.table()`.

    Raises
    ------
    TypeError, ValueError
        For a seed that is not a whole number from 0 on, an instance that is none, or a folder that
        cannot be made.

    Examples
    --------
    >>> import tempfile
    >>> from lift_compare import compare, sensing
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made = compare.reproduce(folder, quick=True, instance=sensing.instance("two-by-two"))
    >>> made.complete, made.consistent, len(made.figures) > 10
    (True, True, True)
    """
    seed, out = whole_number("seed", seed, least=0), path_of("out", out)
    if instance is not None and not isinstance(instance, Instance):
        raise InvalidType(f"instance: expected an Instance, got {shown(instance)}")
    with writing("out", out):  # before the work, not behind it
        out.mkdir(parents=True, exist_ok=True)
    result = Reproduction(out / "report.html")
    chosen = [sensing.instance(name) for name in PUBLISHED] if instance is None else [instance]
    run = _Run(out, quick, seed, result, chosen)
    run.own = None if instance is None else run.instances[instance.name]
    run.pdf = pdf
    parts = run.published_parts() if instance is None else run.own_parts()
    made: list[Section] = []
    try:
        with tqdm(total=len(parts), desc="reproduce", unit="part", disable=None) as progress:
            for name, part in parts.items():
                progress.set_postfix_str(name)
                try:
                    made.append(part())
                except OverflowError as overflow:  # settings of your own may leave float64
                    note = f"It cannot be drawn: {literal(str(overflow))}."
                    made.append(Section(name.capitalize(), [note]))
                progress.update()
        result.complete = True
    finally:
        _write(result, made, run)
    return result


class _Run:
    """The parts of one run, with what they share."""

    pdf = False
    compared_rows: tuple[dict[str, Any], ...] = ()  # of what was reached

    def __init__(
        self, out: Path, quick: bool, seed: int, result: Reproduction, instances: list[Instance]
    ) -> None:
        self.out, self.quick, self.seed, self.result = out, quick, seed, result
        longest = QUICK_STEPS if quick else 10**9
        self.drawings: dict[str, Drawing] = {}
        self.own: Runs | None = None
        self.instances = {each.name: Runs(each, longest, seed) for each in instances}

    def published_parts(self) -> dict[str, Callable[[], Section]]:
        """Return the parts of the report on the published instances, by name."""
        return {
            "landscape": lambda: self.landscape("two-by-two"),
            "perturbed completion": lambda: self.panels(
                "Panels of perturbed completion", "completion", "perturbed-completion"
            ),
            "real system": lambda: self.panels("Panels of the real system", "real", "real-system"),
            "lifted path": self.lifted_path,
            "phase diagrams": self.phases,
            "success rates": lambda: measured.success_section(
                self.rates, self.show, trials=20 if self.quick else 50
            ),
            "iris": measured.iris_section,
            "cost": lambda: self.cost(grid=not self.quick),
            "differences": self.differences,
        }

    def own_parts(self) -> dict[str, Callable[[], Section]]:
        """Return the parts of the report on an instance of your own."""
        ((name, runs),) = self.instances.items()
        always: dict[str, Callable[[], Section]] = {
            "lifted path": self.lifted_path,
            "cost": lambda: self.cost(grid=False),
        }
        if runs.problem.is_solved(runs.point):
            h = runs.problem.objective(runs.point)
            note = (
                rf"$\hat X$ of {literal(name)} solves the problem, $h$ = {h:.3g}: no panels and no "
                "phase diagrams."
            )
            return {"nothing to escape from": lambda: Section("Solved", [note]), **always}
        plane = runs.problem.shape == (2, 1)
        return {
            **({"landscape": lambda: self.landscape(name)} if plane else {}),
            "panels": lambda: self.panels(f"Panels of {literal(name)}", "panels", name),
            "phase diagrams": self.phases,
            **always,
        }

    def landscape(self, name: str) -> Section:
        """Draw h over the plane."""
        return sections.landscape_section(self.instances[name], self.show, seed=self.seed)

    def panels(self, title: str, prefix: str, name: str) -> Section:
        """Draw the panels of one instance."""
        return sections.panels_section(title, prefix, self.instances[name], self.show)

    def phases(self) -> Section:
        """Draw the phase diagrams."""
        return phase_section(self.instances, self.show, quick=self.quick)

    def cost(self, *, grid: bool) -> Section:
        """Draw what a step costs."""
        return measured.cost_section(self.comparison, self.show, grid=grid, seed=self.seed)

    def lifted_path(self) -> Section:
        """Run the explicit lift beside its simulations."""
        steps = {"two-by-two": 660, "perturbed-completion": 20 if self.quick else 400}
        found = self.comparison
        self.compared_rows = found.rows  # the figures below may leave float64: this stays
        self.result.consistent = self.result.consistent and found.agree
        self.result.compared = len(found.comparisons)
        section, agree = sections.lifted_section(self.instances, found, self.show, steps=steps)
        self.result.consistent = self.result.consistent and agree
        return section

    def show(self, name: str, figure: Figure, caption: str) -> Drawing:
        """Write a figure as a file, and return it as part of the page."""
        drawing = self.drawings[name] = Drawing(name, svg(figure, name), caption)
        self.result.figures.append(write_svg(drawing.svg, self.out / "figures" / f"{name}.svg"))
        if self.pdf:
            save_pdf(figure, self.out / "figures" / f"{name}.pdf")
        return drawing

    @cached_property
    def comparison(self) -> InstanceComparison:
        """Explicit against simulated lifting, order by order."""
        orders = (3, 5) if self.quick else ORDERS
        chosen = [runs.instance for runs in self.instances.values()]
        found = compare_instances(chosen, orders=orders, seed=self.seed)
        if found.interrupted:  # a shortened table must not pass for the whole one
            raise KeyboardInterrupt
        return found

    @cached_property
    def rates(self) -> SuccessRates:
        """The success rates."""
        sizes, starts = ((40, 60, 80), 20) if self.quick else ((40, 50, 60, 70, 80), 50)
        return success_rates(sizes, starts=starts, seed=self.seed)

    def differences(self) -> Section:
        """Hold what is printed against what was computed."""
        runs, quick, seed = self.instances, self.quick, self.seed
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
            lambda runs: matrix_differences.plane_valley(runs, 0 if quick else 300_000),
            lambda runs: matrix_differences.rip_constants(runs, 10 if quick else 50, seed),
            lifted_differences.w_escape,
            lambda _: matrix_differences.success(self.rates),
            lambda runs: matrix_differences.trapped(runs, 20 if quick else 100, seed),
            lifted_differences.printed_digits,
        ):
            found.append(compare(runs))
        return Section(
            DIFFERENCES,
            [
                "Every number of the evidence was computed in this run; only what is quoted as "
                f"published was not. {classes()}",
                *sorted(found, key=lambda difference: list(Kind).index(difference.kind)),
                lifted_differences.acceptance_table(runs),
            ],
        )


def _figures(figures: list[Path]) -> str:
    return f"{len(figures)} figure{'' if len(figures) == 1 else 's'}"


def _write(result: Reproduction, made: list[Section], run: _Run) -> None:
    """Write the page: the summary, then the differences, then all else."""
    # What differs is the answer; it was computed last, because it uses all else.
    ordered = sorted(made, key=lambda section: section.title != DIFFERENCES)
    notes = [f"{_figures(result.figures)}."]
    if run.quick:
        notes.append("This is the quick run: fewer sizes, starts and steps.")
    if not result.complete:
        notes.append("This run was interrupted: the sections after the last one shown are missing.")
    agreed = agreement(result.consistent, run.compared_rows)
    if run.own is None:
        title = "Simulated lifting: the published figures, recomputed"
        summary = published_summary(result.differences, run.drawings, notes, agreed=agreed)
    else:
        title = f"Simulated lifting: {literal(run.own.instance.name)}"
        summary = own_summary(run.own, run.drawings, notes, agreed=agreed)
        result.findings = [
            {"about": line.about, "finding": plain_text(line.said[0][0])}
            for line in summary.findings
        ]
    origin = provenance(run.seed, quick=run.quick, instances=list(run.instances))
    result.report.parent.mkdir(parents=True, exist_ok=True)
    result.report.write_text(report_html(title, summary, ordered, origin), encoding="utf-8")
