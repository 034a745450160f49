"""How Sphinx makes the site: `make docs` runs it, warnings as errors, and fetches nothing.

The pages are the Markdown files of this folder. `docs/generated/` is made by the build and ignored
by git: a page for every public name, the gallery, and what the files of numbers say.
"""

from __future__ import annotations

import importlib.metadata
import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path.insert(0, str(HERE / "building"))
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import api  # noqa: E402 - these lie in docs/building
import docstrings  # noqa: E402
import formulas  # noqa: E402
import gallery  # noqa: E402
import links  # noqa: E402
import sources  # noqa: E402

project = "lift-compare"
author = "The lift-compare maintainers"
version = release = importlib.metadata.version(project)
language = "en"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["building", "generated/gallery/*.py", "generated/gallery/*.ipynb"]
suppress_warnings = ["config.cache"]  # the gallery is configured with functions

# Markdown: links between pages lead to their headings too, as in a repository browser.
myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3

# Public names: their docstrings are in numpydoc's sections.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

# The gallery: every example is run and drawn, and can be had as a script and as a notebook.
sphinx_gallery_conf = gallery.configuration(ROOT / "examples")

# The page: a search box that works from a file, and no summary of what is found, which a browser
# would have to fetch.
html_theme = "pydata_sphinx_theme"
html_title = f"{project} {version}"
html_show_search_summary = False
html_show_sourcelink = False
html_copy_source = False
html_context = {"default_mode": "auto"}  # light or dark, as the reader's machine
templates_path = ["building/templates"]
html_static_path = ["building/site.css"]
html_css_files = ["site.css"]
html_theme_options = {
    "show_prev_next": True,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": [],
    "footer_end": [],
    "show_toc_level": 2,
}
html_math_renderer = "mathml"


def setup(app):
    """Add MathML, and make what is generated before the pages are read."""
    formulas.register(app)
    app.connect("autodoc-process-docstring", docstrings.prepare, priority=100)  # before numpydoc
    app.connect("doctree-read", gallery.name_thumbnails)
    app.connect("doctree-read", links.link_public_names)
    app.connect("config-inited", write_pages, priority=100)


def write_pages(*_):
    """Write the pages that are made from something else."""
    api.write(HERE / "generated" / "api")
    sources.write(HERE, HERE / "generated")
