"""Formulas as MathML, by the converter of docutils: no script in the page, nothing to fetch."""

from __future__ import annotations

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml


def _inline(self, node: nodes.math) -> None:
    self.body.append(tex2mathml(node.astext()))
    raise nodes.SkipNode


def _block(self, node: nodes.math_block) -> None:
    mathml = tex2mathml(node.astext(), as_block=True)
    self.body.append(f'<div class="formula" tabindex="0">{mathml}</div>\n')
    raise nodes.SkipNode


def register(app) -> None:
    """Add the renderer "mathml" to Sphinx."""
    app.add_html_math_renderer(
        "mathml", inline_renderers=(_inline, None), block_renderers=(_block, None)
    )
