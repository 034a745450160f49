"""Tables in Markdown, LaTeX and HTML: escaped, aligned, and made of known commands only."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from lift_compare.compare import markup
from lift_compare.compare.markup import html_table, latex_table, latex_text, markdown_table
from lift_compare.compare.tables import Column

ROWS = [
    {"name": "a|b & <c>", "rho": 1.2e-5, "count": 1200, "ok": True, "bytes": 1.5e6},
    {"name": "50% of $x_1 \\ #2 {y} ~^", "rho": -3.0, "count": None, "ok": False, "bytes": None},
]
COLUMNS = [
    Column("name", "instance"),
    Column("rho", "ρ ‖v̂‖²"),
    Column("count", "rows", "d"),
    Column("ok", "∇h^l ok"),
    Column("bytes", "bytes", "bytes"),
]
KNOWN = set(re.findall(r"\\[A-Za-z]+", " ".join(markup._MATHEMATICS.values())))
KNOWN |= set(re.findall(r"\\[A-Za-z]+", " ".join(markup._COMMANDS.values())))
KNOWN |= {rf"\{accent}" for accent in ("hat", "check", "tilde", "bar", "dot", "v", "c", "H", "r")}
KNOWN |= {rf"\{word}" for word in ("begin", "end", "toprule", "midrule", "bottomrule", "caption")}
KNOWN |= {rf"\{word}" for word in ("label", "centering", "medskip", "endhead", "linewidth")}


def assert_plain_latex(text: str) -> None:
    """Only ASCII, only commands that LaTeX and booktabs have, and everything closed."""
    text = "\n".join(line for line in text.splitlines() if not line.startswith("% needs"))
    assert text.isascii()
    assert set(re.findall(r"\\[A-Za-z]+", text)) <= KNOWN
    bare = re.sub(r"\\.", "", text, flags=re.DOTALL)  # without commands of one sign
    assert bare.count("$") % 2 == 0
    assert bare.count("{") == bare.count("}")
    assert not set("#%~") & set(bare)
    formulas = re.split(r"(?<!\\)\$", text)[1::2]
    outside = re.split(r"(?<!\\)\$", re.sub(r"\\[\^_]", "", text))[::2]
    assert all("^" not in part and "_" not in part for part in outside)
    for formula in formulas:  # TeX refuses two indices of one kind on one base
        assert not re.search(r"\^(\{[^{}]*\}|.)\s*\^", formula), formula
        assert not re.search(r"_(\{[^{}]*\}|.)\s*_", formula), formula


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ρ", r"$\rho$"),
        ("λ_n", r"$\lambda_{n}$"),
        ("h^l at ŵ", r"$h^{l}$ at $\hat{w}$"),
        ("vec(X̂)^{⊗l}", r"vec($\hat{X} )^{\otimes l}$"),
        ("10⁻⁵", r"10$^{-}{}^{5}$"),
        ("½‖b‖²", r"$\frac12 \|$b$\|{}^{2}$"),
        ("h_exact_T & 5 %", r"h\_exact\_T \& 5 \%"),
        ("$ρ$", r"\$$\rho$\$"),
        ("[1] --format", "{}[1] -{}-format"),
        ("Čech é ß", r"\v{C}ech \'{e} \ss{}"),
        ("n 中", "n [cjk unified ideograph-4e2d]"),
        ("a\nb\x00", "a b"),
    ],
)
def test_text_as_latex(text: str, expected: str) -> None:
    assert latex_text(text) == expected
    assert_plain_latex(expected)


def test_every_character_of_the_first_planes_is_plain_latex() -> None:
    """Whatever a name or an error holds, LaTeX can read it."""
    for code in (*range(1, 0x2FF), *range(0x370, 0x530), *range(0x1D00, 0x2C00, 3)):
        assert_plain_latex(latex_text(f"a{chr(code)}b_{chr(code)} ^{chr(code)}²²"))


def test_latex_has_numbers_as_mathematics_and_escapes_words() -> None:
    text = latex_table(COLUMNS, ROWS, caption="Cost of ŵ", label="tab:cost")
    assert_plain_latex(text)
    assert r"$1.2 \times 10^{-5}$" in text
    assert r"$-3$" in text
    assert r"$1.5$\,MB" in text
    assert r"a\textbar{}b \& \textless{}c\textgreater{}" in text
    assert r"\begin{tabular}{lrrrr}" in text
    assert r"\caption{Cost of $\hat{w}$}\label{tab:cost}" in text
    assert [text.count(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule")] == [1, 1, 1]


def test_a_long_table_breaks_across_pages_and_a_wide_one_is_cut() -> None:
    rows = [{f"column{k}": f"{k * 1.5:.3f} words" for k in range(12)}] * 41
    text = latex_table(None, rows)
    assert_plain_latex(text)
    assert "longtable" in text
    assert text.count(r"\toprule") > 1
    assert text.count("column0 &") == text.count(r"\toprule")  # every part has the first column


def parts_of(text: str) -> list[list[list[str]]]:
    """Return the lines of each tabular, cell by cell, headings first."""
    bodies = re.findall(r"\\toprule\n(.*?)\\bottomrule", text, flags=re.DOTALL)
    lines = [[line for line in body.splitlines() if " & " in line] for body in bodies]
    return [[line.removesuffix(r" \\").split(" & ") for line in each] for each in lines]


def test_every_part_of_a_wide_table_tells_its_rows_apart() -> None:
    rows = [
        {"instance": name, "start": "random", "rival": rival, **{f"number{k}": k for k in range(9)}}
        for name in ("two-by-two", "mine.npz")
        for rival in ("gd", "restarts")
    ]
    parts = parts_of(latex_table(None, rows))
    assert len(parts) > 1
    for heads, *lines in parts:
        keys = [heads.index(key) for key in ("instance", "rival")]
        told = [[line[k] for k in keys] for line in lines]
        assert told == [[row["instance"], row["rival"]] for row in rows]
    assert ["start" in heads for heads, *_ in parts] == [True] + [False] * (len(parts) - 1)
    # Keys that take more than half of a page: a number in their place.
    wide = [
        {**{"abcdef" * 3 + str(k): number >> k & 1 for k in range(3)}, "x": "word " * 6}
        for number in range(8)
    ]
    parts = parts_of(latex_table(None, wide))
    assert len(parts) > 1
    for heads, *lines in parts:
        assert heads[0] == "row"
        assert [line[0] for line in lines] == [f"${number}$" for number in range(1, 9)]


def test_parts_of_a_wide_table_that_fill_a_page_break_across_pages() -> None:
    """A float that is longer than a page would lose what is below its end."""
    rows = [{f"column{k}": 1.5 * k for k in range(70)}] * 3
    text = latex_table(None, rows)
    assert "longtable" in text
    assert r"\begin{table}" not in text
    assert r"\begin{table}" in latex_table(None, [{"column": 1.5}] * 3)


def test_long_words_may_break_at_their_commas() -> None:
    words = "delta=0.75,theta=1.5707963267948966,name=value"
    wide = latex_table(None, [{"parameters": words}])
    assert r"0.75,\allowbreak{}theta=1.5707963267948966,\allowbreak{}name" in wide
    assert r"\allowbreak" not in latex_table(None, [{"parameters": "a=1,b=2"}])


def test_markdown_keeps_its_columns() -> None:
    text = markdown_table(COLUMNS, ROWS, caption="A *caption*")
    first, _, head, rule, *body = text.splitlines()
    assert first == r"A \*caption\*"
    assert head == r"| instance | ρ ‖v̂‖² | rows | ∇h^l ok | bytes |"
    assert rule == "| :--- | ---: | ---: | ---: | ---: |"
    assert len(body) == 2
    for line in (head, rule, *body):
        assert len(re.findall(r"(?<!\\)\|", line)) == 6
    assert r"a\|b \& \<c\>" in body[0]


class Reader(HTMLParser):
    """Cells and tags of a table."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == [], "a tag was left open"

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.open.append(tag)
        self.cells += [""] * (tag in ("td", "th", "caption"))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1] in ("td", "th", "caption"):
            self.cells[-1] += data


def test_html_is_escaped_and_aligned() -> None:
    text = html_table(COLUMNS, ROWS, caption="<script>alert(1)</script>")
    cells = Reader(text).cells
    assert cells[0] == "<script>alert(1)</script>"
    assert cells[1:6] == [column.title for column in COLUMNS]
    assert cells[6] == "a|b & <c>"
    assert '<td style="text-align:left">a|b' in text
    assert '<td style="text-align:right">1.2e-05' in text
    assert "overflow:auto" in text


def test_without_columns_every_key_is_one_and_no_row_is_a_table_too() -> None:
    rows = [{"a": np.float64(0.5)}, {"b": [1, 2]}]
    assert markdown_table(None, rows).splitlines()[0] == "| a | b |"
    for table in (markdown_table, latex_table, html_table):
        assert table(["a"], [])
        assert table(None, [])
