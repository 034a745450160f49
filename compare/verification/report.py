"""What `verify` found, as text: first what fails or does not hold, then the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from textwrap import fill, indent, wrap
from typing import Any

from ..tables import Column, line_width, show, text_table
from .claims import CHECKS, TOPICS, Claim, Holds, Kind

MOST_VIOLATIONS = 20
"""Violations that are printed; the files have all of them."""

COLUMNS = (
    Column("id", "id"),
    Column("holds", "verdict"),
    Column("measured", "measured", ".6g"),
    Column("expected", "expected", ".6g"),
    Column("tolerance", "tolerance", ".1e"),
)
_TOPIC_COLUMNS = (
    Column("topic", "topic"),
    Column("claims", "claims", "d"),
    Column("holds", "hold", "d"),
    Column("does_not_hold", "do not", "d"),
    Column("not_applicable", "n/a", "d"),
    Column("out_of_range", "range", "d"),
)
_NO_CLAIM_FAILS = "No claim fails: there is no violation, and no published statement is false here."


_ANSWERS = {
    "holds": Holds.YES,
    "does_not_hold": Holds.NO,
    "not_applicable": Holds.NOT_APPLICABLE,
    "out_of_range": Holds.OUT_OF_RANGE,
}


def count(claims: Iterable[Claim]) -> dict[str, int]:
    """Return how many claims there are, and how many of each answer."""
    given = [claim.holds for claim in claims]
    return {"claims": len(given), **{key: given.count(each) for key, each in _ANSWERS.items()}}


def failures(claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """Return the violations, and the published statements that do not hold."""
    return tuple(
        claim
        for claim in claims
        if claim.violated or (claim.kind is Kind.PUBLISHED and claim.holds is Holds.NO)
    )


def verdict(claims: Sequence[Claim]) -> str:
    """Return one sentence of counts."""
    answers = count(claims)
    violated = sum(claim.violated for claim in claims)
    published = len(failures(claims)) - violated
    properties = answers["does_not_hold"] - published - violated
    return (
        f"{counted(len(claims), 'claim')}: {answers['holds']} hold, "
        f"{answers['does_not_hold']} do not hold ({published} published statements, "
        f"{properties} properties), {answers['not_applicable']} not applicable, "
        f"{answers['out_of_range']} out of range; {counted(violated, 'violation')}."
    )


def counted(number: int, what: str) -> str:
    """Return a number of things: '1 claim', '0 violations'."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def violations_text(found: Sequence[tuple[str, Claim, str]]) -> str:
    """Return violations with their evidence; each with where it is and the command, or ''."""
    blocks = [_violation(*each) for each in found[:MOST_VIOLATIONS]]
    left = len(found) - len(blocks)
    more = f"And {left} more, which the rows have." if left else ""
    return "\n".join(filter(None, [*blocks, more]))


def _violation(where: str, claim: Claim, command: str) -> str:
    numbers = {key: getattr(claim, key) for key in ("measured", "expected", "tolerance")}
    said = ", ".join(f"{key} {show(number, '.6g')}" for key, number in numbers.items())
    heading = f"VIOLATION{' on ' if where else ''}{where}: {claim.id} ({claim.name})"
    lines = [_wrapped(heading), _indented(_stated(claim)), _indented(said)]
    lines += [_indented(claim.reason)] if claim.reason else []
    return "\n".join(lines + ([_reproduced(command)] if command else []))


def _reproduced(command: str) -> str:
    """Return the line with a command; one that is too long goes on as a shell reads it."""
    line = f"  to see it again: {command}"
    if len(line) <= line_width():
        return line
    pieces = wrap(command, line_width() - 6, break_long_words=False, break_on_hyphens=False)
    return "  to see it again:\n" + " \\\n".join(f"    {piece}" for piece in pieces)


def claims_text(claims: Sequence[Claim], *, full: bool = False, only_failures: bool = False) -> str:
    """Return what does not hold as tables, and what is left: a line a topic, or in full.

    Violations have been told before: they are in no table, but for the topics that count them.
    """
    failed = failures(claims)
    false_here = [claim for claim in failed if not claim.violated]
    others = [c for c in claims if c.holds is Holds.NO and c not in failed]
    parts = []
    if false_here:
        parts.append(_table("Published statements that do not hold here", false_here))
    if only_failures:
        return "\n\n".join(parts) if failed else _NO_CLAIM_FAILS
    if others:
        title = "Properties that this point does not have (either answer is right)"
        parts.append(_table(title, others))
    rest = [claim for claim in claims if claim not in failed and claim not in others]
    if full and len(claims) < len(CHECKS):
        return "\n\n".join([*parts, *([_table("Claims", rest)] if rest else [])])
    if full:
        told = {claim.id: claim for claim in rest}
        for topic, checks in TOPICS.items():
            chosen = [told[check.id] for check in checks if check.id in told]
            parts += [_table(topic[0].upper() + topic[1:], chosen)] if chosen else []
        return "\n\n".join(parts)
    parts.append(topics_table([{"id": claim.id, **count([claim])} for claim in claims]))
    return "\n\n".join([*parts, *_why(rest)])


def _why(claims: Sequence[Claim]) -> list[str]:
    """Return what keeps claims from an answer, where a user can change it."""
    refused = [claim.id for claim in claims if claim.reason.startswith("refused: ")]
    lost = [claim for claim in claims if claim.holds is Holds.OUT_OF_RANGE]
    said = []
    if refused:
        named = ", ".join(refused)
        said.append(_wrapped(f"Refused, the explicit side is too large ({len(refused)}): {named}."))
    for reason in dict.fromkeys(claim.reason for claim in lost):
        names = ", ".join(claim.id for claim in lost if claim.reason == reason)
        said.append(_wrapped(f"{reason[0].upper()}{reason[1:]}: {names}."))
    return said


def topics_table(rows: Iterable[Mapping[str, Any]], of: str = "All claims by topic") -> str:
    """Return the answers of rows with an id, counted topic by topic, under what they are of."""
    rows = list(rows)
    keys = [column.key for column in _TOPIC_COLUMNS[1:]]
    table = []
    for topic, checks in TOPICS.items():
        ids = {check.id for check in checks}
        chosen = [row for row in rows if row["id"] in ids]
        if chosen:
            table.append({"topic": topic, **{key: sum(row[key] for row in chosen) for key in keys}})
    title = f"{of} (--full, or table(full=True): each of them, with its numbers)"
    return text_table(_TOPIC_COLUMNS, table, title=title)


def _table(title: str, claims: Sequence[Claim]) -> str:
    """Return claims as a table; statement and remark stand below each."""
    rows = [
        {
            "id": claim.id,
            "holds": claim.holds.value,
            "measured": claim.measured,
            "expected": show(claim.expected, ".6g"),
            "tolerance": claim.tolerance,
            "below": f"{_stated(claim)}\n{claim.reason}",
        }
        for claim in claims
    ]
    return text_table(COLUMNS, rows, title=f"{title}: {len(claims)}", below="below")


def _stated(claim: Claim) -> str:
    return stated(claim.statement, claim.kind.name.lower(), claim.source)


def stated(statement: str, kind: str, source: str) -> str:
    """Return a statement with its kind and section."""
    return f"{statement} ({kind}, {source.removeprefix('docs/theory.md, ')})"


def _wrapped(text: str) -> str:
    return fill(text, line_width(), subsequent_indent="  ", break_on_hyphens=False)


def _indented(text: str) -> str:
    return indent(fill(text, line_width() - 2, break_on_hyphens=False), "  ")
