r"""Formulas in texts: `$h^l(\hat w)$` is drawn by matplotlib, said in words, and written as MathML.

The notation is the part of LaTeX that matplotlib draws (mathtext). A formula stands between two
dollars; `\$` is a dollar. What is unknown here is kept by its name: a text never fails.
"""

from __future__ import annotations

import re
import unicodedata
from html import escape
from typing import Any

_ACCENTS = {"hat": "\u0302", "check": "\u030c", "tilde": "\u0303", "bar": "\u0304"}
_OVER = {"hat": "^", "check": "ˇ", "tilde": "~", "bar": "¯"}  # as MathML sets them above
_LETTERS = {
    "alpha": "α",
    "beta": "β",
    "gamma": "γ",
    "delta": "δ",
    "varepsilon": "ε",
    "eta": "η",
    "kappa": "κ",
    "lambda": "λ",
    "nu": "ν",
    "rho": "ρ",
    "sigma": "σ",
    "tau": "τ",
    "top": "T",  # of a transpose, as in X^T
    "Pi": "Π",
    "nabla": "∇",
}
_OPERATORS = {
    "|": "‖",
    "langle": "⟨",
    "rangle": "⟩",
    "pm": "±",
    "times": "×",
    "cdot": "·",
    "otimes": "⊗",
    "geq": "≥",
    "leq": "≤",
    "to": "→",
    "sum": "∑",
    "ldots": "…",
}
_SPACES = {",", ";", " ", "quad"}
_UPRIGHT = {"mathrm", "text"}
_SUPERSCRIPTS = str.maketrans("0123456789+-−T", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻ᵀ")
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")

_FORMULA = re.compile(r"(?<!\\)\$(.+?)(?<!\\)\$", re.DOTALL)
_STOP = re.compile(r"(<math>(?:(?!</math>).)*</math>[.,;:)?]+)")
_TOKEN = re.compile(r"\\[a-zA-Z]+|\\.|\d[\d.,]*(?<![.,])|\s+|.", re.DOTALL)

Node = tuple[Any, ...]
"""A kind ("row", "mi", "mo", "mn", "mtext", "space", "over", "frac", "sqrt", "scripts") and what
belongs to it."""


def literal(text: str) -> str:
    """Return a text, such as a name from a file, so that no dollar in it begins a formula."""
    return text.replace("$", r"\$")


def plain_text(text: str) -> str:
    r"""Return a text with its formulas in plain characters: `$h^l(\hat w)$` becomes h^l(ŵ)."""
    said = _FORMULA.sub(lambda found: _plain(_parse(found[1])), text)
    return unicodedata.normalize("NFC", said.replace(r"\$", "$"))


def mathml(text: str) -> str:
    """Return a text as HTML: what is no formula is escaped, formulas are MathML."""
    parts = _FORMULA.split(text)  # text, formula, text, ...
    words = [escape(part.replace(r"\$", "$"), quote=False) for part in parts]
    words[1::2] = [f"<math>{_markup(_parse(formula))}</math>" for formula in parts[1::2]]
    # A full stop does not begin a line.
    return _STOP.sub(r'<span class="unbroken">\1</span>', "".join(words))


def _parse(formula: str) -> Node:
    tokens = _TOKEN.findall(formula)
    tokens.reverse()  # the next token is the last of the list
    row: list[Node] = []
    while tokens:
        row += _row(tokens)
        if tokens:  # a brace too many
            tokens.pop()
    return ("row", row)


def _row(tokens: list[str]) -> list[Node]:
    """Take nodes up to a closing brace or the end."""
    nodes: list[Node] = []
    while tokens and tokens[-1] != "}":
        if tokens[-1] in ("^", "_"):
            base = nodes.pop() if nodes else ("row", [])
            place = tokens.pop()
            script = _argument(tokens)
            _, kept, below, above = base if base[0] == "scripts" else ("", base, None, None)
            below, above = (script, above) if place == "_" else (below, script)
            nodes.append(("scripts", kept, below, above))
        elif tokens[-1].isspace():
            tokens.pop()
        else:
            nodes.append(_atom(tokens))
    return nodes


def _argument(tokens: list[str]) -> Node:
    """Take a group in braces, or one atom."""
    while tokens and tokens[-1].isspace():
        tokens.pop()
    return _atom(tokens) if tokens and tokens[-1] != "}" else ("row", [])


def _atom(tokens: list[str]) -> Node:
    token = tokens.pop()
    name = token[1:]
    if token == "{":
        inside = _row(tokens)
        if tokens:
            tokens.pop()
        return inside[0] if len(inside) == 1 else ("row", inside)
    if not token.startswith("\\") or not name:
        return _character(token)
    if name in _ACCENTS:
        return ("over", _argument(tokens), name)
    if name in _UPRIGHT:
        return ("mtext", _words(tokens))
    if name == "frac":
        return ("frac", _argument(tokens), _argument(tokens))
    if name == "sqrt":
        return ("sqrt", _argument(tokens))
    if name in _SPACES:
        return ("space",)
    return ("mo", _OPERATORS[name]) if name in _OPERATORS else ("mi", _LETTERS.get(name, name))


def _character(token: str) -> Node:
    if token[0].isdigit():
        return ("mn", token)
    return ("mi" if token.isalpha() else "mo", "−" if token == "-" else token)


def _words(tokens: list[str]) -> str:
    """Take a group in braces as it stands."""
    words = ""
    if tokens and tokens[-1] == "{":
        tokens.pop()
        while tokens and tokens[-1] != "}":
            words += tokens.pop()
        if tokens:
            tokens.pop()
    return words.replace("\\ ", " ")


def _plain(node: Node) -> str:
    kind, *parts = node
    if kind == "row":
        return "".join(map(_plain, parts[0][:1])) + "".join(map(_spaced, parts[0][1:]))
    if kind == "over":
        return _plain(parts[0]) + _ACCENTS[parts[1]]
    if kind == "frac":
        return "/".join(_grouped(part) for part in parts)
    if kind == "sqrt":
        return "√" + _grouped(parts[0])
    if kind == "scripts":
        base, below, above = parts
        low = "" if below is None else _script("_", _grouped(below), _SUBSCRIPTS)
        high = "" if above is None else _script("^", _plain(above), _SUPERSCRIPTS)
        return _plain(base) + low + high
    return " " if kind == "space" else str(parts[0])


def _spaced(node: Node) -> str:
    text = _plain(node)
    return f" {text} " if node[0] == "mo" and text in "=<>≥≤≠∈→×+−" else text


def _grouped(node: Node) -> str:
    text = _plain(node)
    return f"({text})" if node[0] == "row" and len(node[1]) > 1 else text


def _script(mark: str, text: str, small: dict[int, int]) -> str:
    return text.translate(small) if all(ord(c) in small for c in text.strip()) else mark + text


def _markup(node: Node) -> str:
    kind, *parts = node
    if kind == "row":
        return f"<mrow>{''.join(map(_markup, parts[0]))}</mrow>"
    if kind == "over":
        return f'<mover accent="true">{_markup(parts[0])}<mo>{_OVER[parts[1]]}</mo></mover>'
    if kind == "frac":
        return f"<mfrac>{''.join(map(_markup, parts))}</mfrac>"
    if kind == "sqrt":
        return f"<msqrt>{_markup(parts[0])}</msqrt>"
    if kind == "space":
        return '<mspace width="0.17em"></mspace>'
    if kind == "scripts":
        base, below, above = parts
        tag = "msubsup" if below and above else "msub" if below else "msup"
        inside = "".join(_markup(part) for part in (base, below, above) if part)
        return f"<{tag}>{inside}</{tag}>"
    stretchy = ' stretchy="false"' if kind == "mo" and parts[0] in "‖|()[]⟨⟩" else ""
    return f"<{kind}{stretchy}>{escape(parts[0], quote=False)}</{kind}>"
