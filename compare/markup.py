"""The same tables for papers and pages: Markdown, LaTeX (booktabs) and HTML.

Every cell is escaped. In LaTeX numbers are mathematics, and so are Greek letters, hats, powers and
the other signs that our titles use; what LaTeX has no command for becomes plain letters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from html import escape

from .tables import (
    Column,
    Row,
    cut_columns,
    holds_words,
    key_columns,
    needs_numbers,
    numbered,
    show,
)

_LONG = 40  # lines: a longer table in LaTeX may break across pages
_PAGE = 70  # characters across a page of LaTeX's article; a wider table is cut
_WIDE = 34  # characters of a cell that goes on in further lines

Columns = Sequence[Column | str]


def columns_of(columns: Columns | None, rows: Sequence[Row]) -> list[Column]:
    """Return columns as `Column`; without any, one for each key of the rows."""
    named = list(dict.fromkeys(key for row in rows for key in row)) if columns is None else columns
    return [Column(each, each, ".6g") if isinstance(each, str) else each for each in named]


def _cells(columns: Sequence[Column], rows: Sequence[Row]) -> list[list[str]]:
    return [[show(row.get(column.key), column.format) for column in columns] for row in rows]


# Markdown ----------------------------------------------------------------------------------------


def markdown_table(columns: Columns | None, rows: Sequence[Row], *, caption: str = "") -> str:
    r"""Return a table in GitHub's Markdown; numbers to the right, words to the left.

    Parameters
    ----------
    columns : sequence of Column or str, or None
        Columns, or keys of the rows; None: every key.
    rows : sequence of mapping
        The rows.
    caption : str
        A line above the table.

    Returns
    -------
    str

    Examples
    --------
    >>> from lift_compare.compare.markup import markdown_table
    >>> print(markdown_table(["order", "kind"], [{"order": 3, "kind": "a|b"}]))
    | order | kind |
    | ---: | :--- |
    | 3 | a\|b |
    """
    chosen = columns_of(columns, rows)
    words = [holds_words(column, rows) for column in chosen]
    lines = [f"{_markdown(caption)}\n"] if caption else []
    lines.append(_markdown_row([column.title for column in chosen]))
    lines.append("| " + " | ".join(":---" if word else "---:" for word in words) + " |")
    return "\n".join([*lines, *map(_markdown_row, _cells(chosen, rows))])


def _markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(map(_markdown, cells)) + " |"


def _markdown(text: str) -> str:
    """Return a text of which no character is markup."""
    return re.sub(r"([\\`*_\[\]<>|~$&#])", r"\\\1", " ".join(text.split()))


# HTML --------------------------------------------------------------------------------------------


def html_table(columns: Columns | None, rows: Sequence[Row], *, caption: str = "") -> str:
    """Return an HTML table in a box that scrolls where the table is long or wide.

    Parameters
    ----------
    columns, rows, caption
        As for `markdown_table`.

    Returns
    -------
    str

    Examples
    --------
    >>> from lift_compare.compare.markup import html_table
    >>> "a &lt; b" in html_table(["what"], [{"what": "a < b"}])
    True
    """
    chosen = columns_of(columns, rows)
    sides = ["left" if holds_words(column, rows) else "right" for column in chosen]
    heads = "".join(
        f'<th scope="col" style="text-align:{side}">{escape(column.title)}</th>'
        for column, side in zip(chosen, sides, strict=True)
    )
    body = "\n".join(
        "<tr>"
        + "".join(
            f'<td style="text-align:{side}">{escape(cell)}</td>'
            for cell, side in zip(cells, sides, strict=True)
        )
        + "</tr>"
        for cells in _cells(chosen, rows)
    )
    said = f'<caption style="text-align:left">{escape(caption)}</caption>' if caption else ""
    return (
        f'<div style="overflow:auto;max-height:32em" tabindex="0"><table>{said}'
        f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
    )


# LaTeX -------------------------------------------------------------------------------------------


def _pairs(text: str) -> dict[str, str]:
    """Return {"a": "b", ...} for "a b ..."."""
    words = text.split()
    return dict(zip(words[::2], words[1::2], strict=True))


_COMMANDS = {character: f"\\{character}" for character in "{}$&#%_"}
_COMMANDS |= _pairs(
    r"""\ \textbackslash{}  ^ \textasciicircum{}  ~ \textasciitilde{}
    < \textless{}  > \textgreater{}  | \textbar{}  " ''  “ ``  ” ''  ‘ `  ’ '
    – \textendash{}  — \textemdash{}  … \dots{}
    ß \ss{}  ø \o{}  Ø \O{}  æ \ae{}  Æ \AE{}  ł \l{}  Ł \L{}  ı \i{}"""
)
_MATHEMATICS = _pairs(
    r"""α \alpha  β \beta  γ \gamma  δ \delta  ε \varepsilon  ζ \zeta  η \eta  θ \theta
    ι \iota  κ \kappa  λ \lambda  μ \mu  µ \mu  ν \nu  ξ \xi  π \pi  ρ \rho  σ \sigma
    τ \tau  υ \upsilon  φ \varphi  χ \chi  ψ \psi  ω \omega  ϵ \epsilon  ς \varsigma
    Γ \Gamma  Δ \Delta  Θ \Theta  Λ \Lambda  Ξ \Xi  Π \Pi  Σ \Sigma  Φ \Phi  Ψ \Psi
    Ω \Omega  ∇ \nabla  ∂ \partial  ‖ \|  ⟨ \langle  ⟩ \rangle  ≤ \leq  ≥ \geq
    ≈ \approx  ≠ \neq  ± \pm  ∓ \mp  × \times  · \cdot  ⋅ \cdot  − -  → \to
    ← \leftarrow  ↦ \mapsto  √ \sqrt{\,}  ∞ \infty  ∈ \in  ∉ \notin  ⊗ \otimes  ⊕ \oplus
    ⊥ \perp  ∝ \propto  ≪ \ll  ≫ \gg  ≡ \equiv  ∼ \sim  ∘ \circ  ½ \frac12  ¼ \frac14
    ¾ \frac34  ∑ \sum  ∏ \prod  ℓ \ell  ℝ \mathbf{R}  ∀ \forall  ∃ \exists  ∪ \cup
    ∩ \cap  ⊂ \subset  ⊆ \subseteq  ∖ \setminus  ∅ \emptyset  ⇒ \Rightarrow
    ⇔ \Leftrightarrow  ⌊ \lfloor  ⌋ \rfloor  ⌈ \lceil  ⌉ \rceil
    ᵀ ^{\top}  ⁺ ^{+}  ⁻ ^{-}  † ^{\dagger}  ° ^{\circ}  ˡ ^{l}  ⁿ ^{n}  ᵢ _{i}  ⱼ _{j}
    ⁰ ^{0}  ¹ ^{1}  ² ^{2}  ³ ^{3}  ⁴ ^{4}  ⁵ ^{5}  ⁶ ^{6}  ⁷ ^{7}  ⁸ ^{8}  ⁹ ^{9}
    ₀ _{0}  ₁ _{1}  ₂ _{2}  ₃ _{3}  ₄ _{4}  ₅ _{5}  ₆ _{6}  ₇ _{7}  ₈ _{8}  ₉ _{9}"""
)
_MATH_ACCENTS = {"\u0302": r"\hat", "\u030c": r"\check", "\u0303": r"\tilde"}
_MATH_ACCENTS |= {"\u0304": r"\bar", "\u0307": r"\dot"}
_TEXT_ACCENTS = {"\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0308": '"'}
_TEXT_ACCENTS |= {"\u030a": "r", "\u030c": "v", "\u0327": "c", "\u0304": "=", "\u030b": "H"}

_HATS = "ŵŷẑĝĥ"

# h^l, λ_n, vec(X)^{⊗l}: one letter or a closing bracket, with one index, or one in braces.
_INDEXED = re.compile(
    r"((?<!\w)[^\W\d_][\u0300-\u036f]?(?=[_^])|[)\]‖⟩](?=\^))([_^])"
    r"(\{[^{}\s]+\}|[^\W_])(?![\w^{}])"
)
_NUMBER = re.compile(r"([+-]?[\d,]*\.?\d+)(?:e([+-]?\d+))?( (?:[kMGTP]?B|[mµ]?s|%))?")


def latex_table(
    columns: Columns | None,
    rows: Sequence[Row],
    *,
    caption: str = "",
    label: str = "",
    keys: int | None = None,
) -> str:
    r"""Return a LaTeX table; it needs the package booktabs, and longtable for more than 40 lines.

    Numbers are mathematics. A table wider than a page is cut into tables below each other, which
    all have the columns that tell the rows apart. Only ASCII remains.

    Parameters
    ----------
    columns, rows, caption
        As for `markdown_table`.
    label : str
        Of \\label.
    keys : int
        Number of first columns that every part of a wide table has; None: the first column and the
        next ones that tell rows apart, or numbers of the rows where those columns are too wide.

    Returns
    -------
    str

    Examples
    --------
    >>> from lift_compare.compare.markup import latex_table
    >>> from lift_compare.compare.tables import Column
    >>> text = latex_table([Column("rho", "ρ")], [{"rho": 1.2e-5}])
    >>> print(text.splitlines()[4], text.splitlines()[6])
    $\rho$ \\ $1.2 \times 10^{-5}$ \\
    """
    chosen = columns_of(columns, rows)
    cells, words = _cells(chosen, rows), [holds_words(column, rows) for column in chosen]
    widths = [
        min(_WIDE, max([len(column.title), *(len(line[k]) for line in cells)]))
        for k, column in enumerate(chosen)
    ]
    sizes = [width + 3 for width in widths]
    kept = key_columns(cells) if keys is None else list(range(keys))
    if keys is None and needs_numbers(sizes, kept, _PAGE + 3):
        return latex_table(*numbered(chosen, rows), caption=caption, label=label)
    parts = cut_columns(sizes, kept, _PAGE + 3)
    is_long = len(parts) * (len(rows) + 3) > _LONG
    marks = (rf"\label{{{re.sub('[^A-Za-z0-9:.-]', '-', label)}}}") if label else ""
    above = rf"\caption{{{latex_text(caption)}}}{marks}" if caption or label else ""
    letters = [_letter(words[k], cells, k) for k in range(len(chosen))]
    bodies = [
        _booktabs(
            [letters[k] for k in part],
            [latex_text(chosen[k].title) for k in part],
            [
                [
                    _latex_cell(line[k], is_words=words[k], goes_on=letters[k] not in "lr")
                    for k in part
                ]
                for line in cells
            ],
            above if is_long and number == 0 else "",
            is_long=is_long,
        )
        for number, part in enumerate(parts)
    ]
    if is_long:
        return "\n\n".join(["% needs \\usepackage{booktabs,longtable}", *bodies]) + "\n"
    body = "\n\n\\medskip\n".join(bodies)
    lines = ["% needs \\usepackage{booktabs}", r"\begin{table}", r"\centering", above, body]
    return "\n".join([*filter(None, lines), r"\end{table}", ""])


def _letter(is_words: bool, cells: Sequence[Sequence[str]], k: int) -> str:
    longest = max((len(line[k]) for line in cells), default=0)
    if is_words and longest > _WIDE:
        return r"p{0.3\linewidth}"
    return "l" if is_words else "r"


def _booktabs(
    letters: Sequence[str],
    heads: Sequence[str],
    cells: Sequence[Sequence[str]],
    above: str,
    *,
    is_long: bool,
) -> str:
    """Return one tabular or longtable."""
    kind = "longtable" if is_long else "tabular"
    lines = [
        rf"\begin{{{kind}}}{{{''.join(letters)}}}",
        f"{above} \\\\" if above else "",
        r"\toprule",
    ]
    lines += [" & ".join(heads) + r" \\", r"\midrule", r"\endhead" if is_long else ""]
    lines += [" & ".join(line) + r" \\" for line in cells]
    return "\n".join([*filter(None, lines), r"\bottomrule", rf"\end{{{kind}}}"])


def _latex_cell(text: str, *, is_words: bool, goes_on: bool) -> str:
    """Return a cell: a number as mathematics, else the text, which may go on in further lines."""
    number = _NUMBER.fullmatch(text)
    if number is None or (is_words and not re.search(r"\d", text)):
        latex = latex_text(text)
        # "a=1,b=2" has no space at which a line could end.
        return re.sub(r",(?=\S)", r",\\allowbreak{}", latex) if goes_on else latex
    mantissa, exponent, unit = number.groups()
    power = rf" \times 10^{{{int(exponent)}}}" if exponent else ""
    return f"${mantissa.replace(',', '{,}')}{power}$" + (
        rf"\,{latex_text(unit.strip())}" if unit else ""
    )


def latex_text(text: str) -> str:
    r"""Return a text as LaTeX, ASCII only: special characters escaped, signs as mathematics."""
    text, end = " ".join(text.split()), 0
    tokens: list[str] = []
    for found in _INDEXED.finditer(text):
        base, sign, index = found.groups()
        inside = " ".join(map(_mathematics, _clusters(index.strip("{}"))))
        tokens += map(_latex, _clusters(text[end : found.start()]))
        tokens.append(f"${_mathematics(base)}{sign}{{{inside}}}$")
        end = found.end()
    tokens += map(_latex, _clusters(text[end:]))
    # Formulas that touch each other are one; {} keeps two indices in a row apart.
    whole, before = "", False
    for token in tokens:
        formula = token.startswith("$")
        if formula and before:
            whole = whole[:-1] + ("{}" if token[1] in "^_" else " ") + token[1:]
        else:
            whole += token
        before = formula
    whole = re.sub("-(?=-)", "-{}", whole)  # no dash instead of two hyphens
    return f"{{}}{whole}" if whole[:1] in ("[", "*") else whole  # \\ would take it for its own


def _clusters(text: str) -> list[str]:
    """Return the characters of a text, each with the accents upon it."""
    return re.findall(r".[\u0300-\u036f]*", unicodedata.normalize("NFC", text), flags=re.DOTALL)


def _latex(cluster: str) -> str:
    """Return one character of a text with its accents."""
    if cluster in _COMMANDS:
        return _COMMANDS[cluster]
    if cluster.isascii():
        return cluster if cluster.isprintable() else ""
    apart = unicodedata.normalize("NFD", cluster)
    base, accents = apart[0], apart[1:]
    mathematical = base in _MATHEMATICS or cluster in _MATHEMATICS
    # x̂ is no letter of any language.
    if mathematical or cluster in _HATS or (len(cluster) == 2 and accents in _MATH_ACCENTS):
        return f"${_mathematics(cluster)}$"
    if base.isascii() and base.isalpha() and all(accent in _TEXT_ACCENTS for accent in accents):
        for accent in accents:
            base = f"\\{_TEXT_ACCENTS[accent]}{{{base}}}"
        return base
    return _plain(cluster)


def _mathematics(cluster: str) -> str:
    """Return one character of a formula with its accents."""
    if cluster in _MATHEMATICS:
        return _MATHEMATICS[cluster]
    apart = unicodedata.normalize("NFD", cluster)
    inside = _MATHEMATICS.get(apart[0]) or _plain(apart[0])
    for accent in apart[1:]:
        if accent in _MATH_ACCENTS:
            inside = f"{_MATH_ACCENTS[accent]}{{{inside}}}"
    return inside


def _plain(cluster: str) -> str:
    """Return a character in ASCII letters, or its name in brackets."""
    letters = unicodedata.normalize("NFKD", cluster).encode("ascii", "ignore").decode()
    if letters.strip():
        return "".join(_COMMANDS.get(letter, letter) for letter in letters)
    if not cluster.isprintable():
        return ""
    return f"[{unicodedata.name(cluster[0], 'unknown').lower()}]"
