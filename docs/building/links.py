"""A public name in code words becomes a link to its page, in every page and docstring."""

from __future__ import annotations

import importlib
import re
from typing import Any

from api import PACKAGES
from docutils import nodes
from sphinx import addnodes

_NAME = re.compile(r"(?:lift_compare\.)?((?:compare\.)?\w+)\.(\w+)(?:\.\w+)?(?:\(.*\))?")
_PUBLIC = {
    package: set(importlib.import_module(f"lift_compare.{package}").__all__) for package in PACKAGES
}


def link_public_names(app: Any, doctree: nodes.document) -> None:
    """Wrap code words such as `sensing.SensingProblem` in a reference."""
    here = app.env.docname
    for literal in list(doctree.findall(nodes.literal)):
        found = _NAME.fullmatch(literal.astext())
        if not found or isinstance(literal.parent, (nodes.reference, addnodes.pending_xref)):
            continue
        package = "compare.figures" if found[1] == "figures" else found[1]
        page = f"generated/api/{package}.{found[2]}"
        if found[2] not in _PUBLIC.get(package, ()) or here == page:
            continue
        link = addnodes.pending_xref(
            "",
            literal.deepcopy(),
            refdomain="std",
            reftype="doc",
            reftarget=f"/{page}",
            refexplicit=True,
            refdoc=here,
        )
        literal.replace_self(link)
