"""Figures as PDF files, for papers: text as text, with the text alternative as the subject."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure

from lift_compare.sensing.validation import InvalidValue, path_of, writing

from .style import text_alternative


def save_pdf(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write the figure as a PDF file, its text as text; return the path.

    Raises
    ------
    TypeError, ValueError
        For no path, another ending, or a path that cannot be written.

    Examples
    --------
    >>> import os, tempfile
    >>> from lift_compare.compare import figures
    >>> figure, _ = figures.success_rates([4, 8], {"gd": [0.5, 0.25]}, title="Rates")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     figures.save_pdf(figure, os.path.join(folder, "rates.pdf")).name
    'rates.pdf'
    """
    path = path_of("path", path)
    if path.suffix.lower() != ".pdf":
        raise InvalidValue(f"path: expected a file that ends in .pdf, got {str(path)!r:.200}")
    before = figure.canvas
    canvas: Any = FigureCanvasPdf(figure)
    said = {"Title": path.stem, "Subject": text_alternative(figure), "CreationDate": None}
    settings: Any = {"pdf.fonttype": 42}
    try:
        with writing("path", path), mpl.rc_context(settings), np.errstate(over="ignore"):
            path.parent.mkdir(parents=True, exist_ok=True)
            canvas.print_pdf(path, metadata=said)
    finally:
        figure.set_canvas(before)
    return path
