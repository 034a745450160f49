"""The gallery: the scripts of examples/, run where they write nothing into the repository."""

from __future__ import annotations

import ast
import shutil
import xml.etree.ElementTree as ElementTree
from multiprocessing import spawn
from pathlib import Path
from typing import Any

from docutils import nodes

_PREPARATION = spawn.get_preparation_data

INTRODUCTION = """\
Gallery
=======

Each example is a plain script. It was run when these pages were made; what it printed and drew
stands below it, and its page ends with the script and with a notebook to download.
"""


def configuration(examples: Path) -> dict[str, Any]:
    """Return what sphinx-gallery is told."""
    staged = examples.parent / "build" / "docs" / "examples"
    _stage(examples, staged)
    return {
        "examples_dirs": str(staged),
        "gallery_dirs": "generated/gallery",
        "filename_pattern": r"\.py",
        "within_subsection_order": "FileNameSortKey",
        "image_scrapers": (_draw,),
        "reset_modules": (_let_workers_find_the_script,),
        "abort_on_example_error": True,
        "show_signature": False,
        "min_reported_time": 1e9,  # a time of this machine says nothing to a reader
        "write_computation_times": False,
        "download_all_examples": False,
        "remove_config_comments": True,
    }


def name_thumbnails(app: Any, doctree: nodes.document) -> None:
    """Give the small pictures of the gallery's page a text alternative."""
    for image in doctree.findall(nodes.image):
        name = Path(image["uri"]).stem
        if not image.get("alt") and name.endswith("_thumb"):
            script = name.removeprefix("sphx_glr_").removesuffix("_thumb")
            image["alt"] = f"Example {script}"


def _stage(examples: Path, staged: Path) -> None:
    """Copy the scripts, each with its name as the title that its page needs."""
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)
    (staged / "GALLERY_HEADER.rst").write_text(INTRODUCTION, "utf-8")
    for script in sorted(examples.glob("*.py")):
        text = script.read_text("utf-8")
        said = ast.get_docstring(ast.parse(text), clean=False) or ""
        title = script.stem.replace("_", " ").capitalize()
        staged_text = text.replace(said, f"{title}\n{'=' * len(title)}\n\n{said}", 1)
        (staged / script.name).write_text(staged_text, "utf-8")


def _let_workers_find_the_script(_: dict[str, Any], script: str) -> None:
    """Tell worker processes which file to import: sphinx-gallery's __main__ has none."""

    def preparation(name: str) -> dict[str, Any]:
        told = _PREPARATION(name)
        told.pop("init_main_from_name", None)
        return {**told, "init_main_from_path": str(Path(script).resolve())}

    spawn.get_preparation_data = preparation


def _draw(block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """Show what a block wrote as SVG, with the text alternative that the file carries."""
    shown: set[Path] = block_vars["example_globals"].setdefault("_shown", set())
    directives = []
    for written in sorted(Path("results").glob("*.svg")):
        if written not in shown:
            shown.add(written)
            path = Path(next(block_vars["image_path_iterator"])).with_suffix(".svg")
            shutil.copy(written, path)
            said = ElementTree.parse(written).getroot().attrib["aria-label"]
            place = path.relative_to(gallery_conf["src_dir"])
            directives.append(f"\n.. image-sg:: /{place}\n   :alt: {said}\n   :srcset: /{place}\n")
    return "".join(directives)
