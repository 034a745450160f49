"""Formulas in texts: as words, as MathML, and what no notation can break."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lift_compare.compare.figures.mathematics import literal, mathml, plain_text


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (r"objective $h^l(w_t)\,/\,h^l(\hat w)$", "objective h^l(w_t) / h^l(ŵ)"),
        (r"$\|XX^T-ZZ^T\|$", "‖XXᵀ − ZZᵀ‖"),
        (r"$X_jX_k^\top$", "X_jX_kᵀ"),
        (r"$x_2^2 = \frac{1}{2}-2x_1^2$", "x₂² = 1/2 − 2x₁²"),
        (r"$10^{-5}$ and $\delta_3\geq 0.91$", "10⁻⁵ and δ₃ ≥ 0.91"),
        (r"\$5, or $ 5", "$5, or $ 5"),
        (r"$\sqrt{a+b}$, $\mathrm{of\ rank\ }r$", "√(a + b), of rank r"),
    ],
)
def test_formulas_in_plain_characters(text: str, plain: str) -> None:
    assert plain_text(text) == plain


def test_mathml_has_the_structure_of_the_formula() -> None:
    assert mathml("a < b") == "a &lt; b"
    assert mathml("$h^l$") == "<math><mrow><msup><mi>h</mi><mi>l</mi></msup></mrow></math>"
    assert "<msubsup><mi>x</mi><mn>1</mn><mn>2</mn></msubsup>" in mathml("$x_1^2$")
    assert "<mfrac><mn>1</mn><mn>2</mn></mfrac>" in mathml(r"$\frac{1}{2}$")
    assert '<mover accent="true"><mi>w</mi><mo>^</mo></mover>' in mathml(r"$\hat w$")


@given(st.text(alphabet="ab1 $\\{}^_|<&hat", max_size=20))
def test_no_text_fails_and_all_of_it_is_well_formed(text: str) -> None:
    plain_text(text)
    ElementTree.fromstring(f"<p>{mathml(text)}</p>")
    assert plain_text(literal(text).replace("\\\\$", "\\$")).count("$") <= text.count("$")


@given(st.text(alphabet="ab$<&", max_size=12))
def test_a_literal_text_is_itself(text: str) -> None:
    assert plain_text(literal(text)) == text
    assert "<math>" not in mathml(literal(text))
