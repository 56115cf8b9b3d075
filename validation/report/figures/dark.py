"""What a colour of a figure becomes on a dark page."""

from __future__ import annotations

import colorsys

from matplotlib.colors import to_hex, to_rgb

PAPER = "#14171b"
"""The page's background in the dark; that of ``templates/style.css``."""
INK = 0.93
"""Grey level of black ink in the dark."""
_CONTRAST = 3.2
"""Least contrast of a line or marker; WCAG 2.1 asks for 3 of what is no text."""
_GREY = 0.02


def in_the_dark(colour: str, kept: bool = False) -> str:
    """White becomes the paper, black the ink and greys lie between; a colour is lightened until it stands out.

    Args:
        colour: ``#rrggbb``.
        kept: leave colours that are no greys as they are, beside a raster image that shows the same ones.
    """
    r, g, b = to_rgb(colour)
    if max(r, g, b) - min(r, g, b) < _GREY:
        return _mixed(r)
    return colour if kept else _lifted(colour)


def contrast(colour: str, paper: str = PAPER) -> float:
    """Of two colours, as WCAG 2.1 counts it."""
    low, high = sorted((_luminance(colour), _luminance(paper)))
    return (high + 0.05) / (low + 0.05)


def _mixed(grey: float) -> str:
    r, g, b = (grey * part + (1 - grey) * INK for part in to_rgb(PAPER))
    return str(to_hex((r, g, b)))


def _lifted(colour: str) -> str:
    hue, light, saturation = colorsys.rgb_to_hls(*to_rgb(colour))
    while contrast(colour) < _CONTRAST and light < 1:
        light += 0.02
        colour = str(to_hex(colorsys.hls_to_rgb(hue, min(light, 1.0), saturation)))
    return colour


def _luminance(colour: str) -> float:
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
