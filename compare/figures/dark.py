"""Colours in the dark: rules of CSS that a browser applies where its user prefers the dark.

The figure itself keeps plain colours, so every program that knows SVG shows and edits it.
"""

from __future__ import annotations

import colorsys
import re
from collections.abc import Iterable

from .style import BLACK, BLUE, GREEN, ORANGE, PURPLE, VERMILION, YELLOW

GROUND, INK = "#14161a", "#e8e8e8"

# Of the same hues, with a contrast of at least 3 to the dark ground.
_PALETTE = {
    "#ffffff": GROUND,
    BLACK: INK,
    ORANGE: "#f2b632",
    GREEN: "#2fbf94",
    YELLOW: YELLOW,
    BLUE: "#5ab4e8",
    VERMILION: "#ff7a33",
    PURPLE: "#dd95bb",
}
_DARK = {light.lower(): dark.lower() for light, dark in _PALETTE.items()}

_COLOUR = re.compile(r'\b(fill|stroke)(: |=")(#[0-9a-f]{6})')


def in_the_dark(colour: str) -> str:
    """Return what a colour such as "#0072b2" becomes: of other colours the lightness is turned."""
    if colour.lower() in _DARK:
        return _DARK[colour.lower()]
    red, green, blue = (int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5))
    hue, lightness, saturation = colorsys.rgb_to_hls(red, green, blue)
    turned = colorsys.hls_to_rgb(hue, 0.09 + 0.82 * (1 - lightness), 0.8 * saturation)
    return "#" + "".join(f"{round(255 * part):02x}" for part in turned)


def dark_style(elements: Iterable[str]) -> str:
    """Return the rules for the colours that are in these <svg> elements."""
    rules = {f".lift-figure{{fill:{INK}}}": None}  # black is what matplotlib does not write
    for element in elements:
        for what, mark, colour in sorted(set(_COLOUR.findall(element))):
            chosen = f'[style*="{what}: {colour}"]' if mark == ": " else f'[{what}="{colour}"]'
            rules[f".lift-figure {chosen}{{{what}:{in_the_dark(colour)}!important}}"] = None
    return "@media screen and (prefers-color-scheme:dark){" + "".join(rules) + "}"
