"""Instances by name: the catalogue, and the text by which commands name an instance."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..floats import silently
from ..validation import InvalidType, InvalidValue, did_you_mean, shown
from .asymmetric import asymmetric_instance
from .completion import (
    block_completion_instance,
    block_ring_instance,
    path_completion_instance,
    two_clusters_instance,
)
from .custom import custom_instance, custom_source, custom_text, parameters_of
from .definition import Instance
from .files import ENDINGS, has_ending, load_instance
from .iris import iris_instance
from .least_delta import least_delta_instance
from .phase_retrieval import phase_retrieval_hard_instance, phase_retrieval_instance
from .power_system import power_system_instance
from .published import (
    perturbed_completion_instance,
    real_system_instance,
    two_by_two_instance,
)
from .random import (
    completion_instance,
    gaussian_instance,
    rank_one_instance,
    sparse_completion_instance,
)
from .sharp import rip_dial_instance, sharp_delta_instance
from .synchronisation import sign_synchronisation_instance, twisted_states_instance

Builder = Callable[..., Instance]

SYMMETRISE = ":symmetrise"
"""After the name of a file: its matrices are symmetrised when it is read."""

CATALOGUE: dict[str, tuple[Builder, str]] = {
    "two-by-two": (two_by_two_instance, "published; X̂ = [0, 1/√2] is a degenerate saddle"),
    "perturbed-completion": (perturbed_completion_instance, "published with n = 3, ε = 0.3"),
    "real-system": (real_system_instance, "published; dense A_i, n = 3, m = 6"),
    "iris": (iris_instance, "published; quadratic network on two kinds of iris (scikit-learn)"),
    "sharp-delta": (sharp_delta_instance, "RIP constant δ exactly; X̂ and all facts in closed form"),
    "rip-dial": (rip_dial_instance, "RIP constant δ, rank r above that of the truth"),
    "least-delta": (
        least_delta_instance,
        "the least δ under which a point is spurious, by an LMI (cvxpy)",
    ),
    "two-clusters": (two_clusters_instance, "completion; the saddle order grows as ε falls"),
    "path-completion": (path_completion_instance, "3×3; no escape along v̂ for small t"),
    "block-ring": (block_ring_instance, "completion; saddle along V* only"),
    "block-completion": (
        block_completion_instance,
        "perturbed completion of rank r: a flat valley",
    ),
    "twisted-states": (twisted_states_instance, "synchronisation of rank two on a cycle"),
    "sign-synchronisation": (
        sign_synchronisation_instance,
        "signs on a cycle, path, star, complete or random graph",
    ),
    "phase-retrieval": (phase_retrieval_instance, "three vectors in the plane"),
    "phase-retrieval-hard": (phase_retrieval_hard_instance, "the same, with a deep minimum"),
    "power-system": (power_system_instance, "voltages of a ring of three buses"),
    "asymmetric": (asymmetric_instance, "UVᵀ from ⟨B_i, UVᵀ⟩, symmetrised; not balanced"),
    "gaussian": (gaussian_instance, "dense A_i with normal entries"),
    "rank-one": (rank_one_instance, "phase retrieval, A_i = a_i a_iᵀ with normal a_i"),
    "completion": (completion_instance, "the weights of perturbed completion, normal Z"),
    "sparse-completion": (
        sparse_completion_instance,
        "about ten observed entries a row, stored sparse",
    ),
}
"""The functions that build the instances, by name, and what each is. Their signatures declare the
parameters."""


@dataclass(frozen=True)
class CatalogueEntry:
    """One line of the catalogue.

    Attributes
    ----------
    name : str
        Name of the instance.
    parameters : mapping
        Its parameters with their defaults; `inspect.Parameter.empty` where one must be given.
    summary : str
        What it is.
    """

    name: str
    parameters: Mapping[str, Any]
    summary: str

    def __repr__(self) -> str:
        shown = ",".join(
            name if value is inspect.Parameter.empty else f"{name}={value}"
            for name, value in self.parameters.items()
        )
        return f"{self.name}{':' if shown else ''}{shown}  {self.summary}"


def catalogue() -> tuple[CatalogueEntry, ...]:
    """Return what `sensing.instance` can build: names, parameters, and one line each.

    Returns
    -------
    tuple of CatalogueEntry
        With `.name`, `.parameters` and `.summary`.

    Examples
    --------
    >>> from lift_compare import sensing
    >>> sensing.catalogue()[1]
    perturbed-completion:n=3,epsilon=0.3  published with n = 3, ε = 0.3
    """
    return tuple(
        CatalogueEntry(name, _parameters(build), summary)
        for name, (build, summary) in CATALOGUE.items()
    )


@silently
def instance(name: str, **parameters: Any) -> Instance:
    """Return an instance of the catalogue.

    Parameters
    ----------
    name : str
        Its name (`sensing.catalogue` lists them).
    **parameters
        Its parameters, such as n or seed.

    Returns
    -------
    Instance

    Raises
    ------
    TypeError, ValueError
        For an unknown name, a parameter that it does not have or that is missing, or a value out
        of range.

    Examples
    --------
    >>> from lift_compare import sensing
    >>> sensing.instance("gaussian", n=5, m=6).problem
    SensingProblem(DenseOperator(n=5, m=6), rank=1, ground truth of shape (5, 1))
    """
    if not isinstance(name, str) or name not in CATALOGUE:
        close = did_you_mean(name, CATALOGUE) if isinstance(name, str) else ""
        raise InvalidValue(
            f"instance: expected one of {', '.join(CATALOGUE)}, got {shown(name)}{close}"
        )
    build, _ = CATALOGUE[name]
    known = _parameters(build)
    for key in parameters:
        if key not in known:
            has = f"its parameters are {', '.join(known)}" if known else "it has no parameters"
            close = did_you_mean(key, known)
            raise InvalidValue(f"{key}: not a parameter of the instance {name!r}; {has}{close}")
    for key, default in known.items():
        if default is inspect.Parameter.empty and key not in parameters:
            raise InvalidValue(f"{key}: the instance {name!r} needs this parameter, it is missing")
    return build(**parameters)


def parse_instance(text: str | os.PathLike[str]) -> Instance:
    """Return the instance that a text names: of the catalogue, in a file, or of your function.

    Parameters
    ----------
    text : str or path
        A name of the catalogue, alone or with parameters, "gaussian:n=5,m=6,seed=3"; a file that
        `load_instance` reads, "mine.npz", or "mine.npz:symmetrise"; or a function that returns an
        Instance or a SensingProblem, "package.module:function" or "my_file.py:function", with
        ":key=value,..." after it for parameters. The function's module is imported: that runs its
        code.

    Returns
    -------
    Instance

    Raises
    ------
    TypeError, ValueError
        As `instance` and `load_instance` do; for a text that is neither, or a module that cannot be
        imported.
    RuntimeError
        If your function raises; what it raised is the cause.

    Examples
    --------
    >>> from lift_compare import sensing
    >>> sensing.parse_instance("gaussian:n=5,m=6,seed=3").problem
    SensingProblem(DenseOperator(n=5, m=6), rank=1, ground truth of shape (5, 1))
    """
    if not isinstance(text, str | os.PathLike):
        raise InvalidType(f"instance: expected a name or the path of a file, got {shown(text)}")
    text = str(os.fspath(text))
    file, symmetrise = split_file(text)
    if file is not None:
        return load_instance(file, symmetrise=symmetrise)
    custom = None if text.partition(":")[0] in CATALOGUE else custom_text(text)
    if custom is not None:
        return custom_instance(custom)
    name, parameters = split_instance(text)
    return instance(name, **parameters)


def parse_instances(given: Iterable[str | os.PathLike[str] | Instance]) -> tuple[Instance, ...]:
    """Return the instances given; ValueError where two have one label, as rows and files would."""
    instances: dict[str, Instance] = {}
    for each in given:
        found = each if isinstance(each, Instance) else parse_instance(each)
        if found.label in instances:
            raise InvalidValue(
                f"instance: expected distinct names, got {found.label!r} twice (the name of a file "
                "is that without its ending: rename one, or run them one by one)"
            )
        instances[found.label] = found
    return tuple(instances.values())


def split_file(text: str) -> tuple[str | None, bool]:
    """Return the file that a text names, if it does, and whether it is to be symmetrised."""
    file = text.removesuffix(SYMMETRISE)
    is_file = has_ending(file) or (file not in CATALOGUE and Path(file).is_file())
    return (file if is_file else None), file != text


def source_file(text: str) -> Path | None:
    """Return the file whose content decides an instance that is not of the catalogue, or None."""
    if text.partition(":")[0] in CATALOGUE:
        return None
    file, _ = split_file(text)
    if file is not None:
        return Path(file)
    custom = custom_text(text)
    return None if custom is None else custom_source(custom)


def split_instance(text: str) -> tuple[str, dict[str, Any]]:
    """Return the name and the parameters of `name:key=value,...`."""
    name, _, rest = text.partition(":")
    if name not in CATALOGUE:
        if Path(text).is_dir() or os.sep in text or Path(name).suffix:
            what = "expected a file, got a folder" if Path(text).is_dir() else "no such file"
            raise InvalidValue(f"instance: {text}: {what} (instances end in {', '.join(ENDINGS)})")
        files = (name + ending for ending in ENDINGS if Path(name + ending).is_file())
        known = [*CATALOGUE, *files]
        raise InvalidValue(
            f"instance: expected one of {', '.join(CATALOGUE)}, a file ({', '.join(ENDINGS)}) or "
            f"module:function, got {text!r:.60}{did_you_mean(name, known)}"
        )
    if ":" in rest:
        raise InvalidValue(
            f"instance: expected {name}:key=value,... with commas between, got {text!r:.60}"
        )
    return name, parameters_of(text, rest)


def _parameters(build: Builder) -> dict[str, Any]:
    return {p.name: p.default for p in inspect.signature(build).parameters.values()}
