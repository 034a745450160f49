"""Instances made in Python, as files beside the store: workers and later runs read them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from lift_compare import sensing
from lift_compare.sensing import Instance
from lift_compare.sensing.instances.contents import InstanceFileError
from lift_compare.sensing.instances.files import instance_arrays
from lift_compare.sensing.validation import InvalidType, InvalidValue, listed, shown

from .store import StoreError


def stored_instances(
    given: Sequence[str | os.PathLike[str] | Instance], store_path: str | os.PathLike[str]
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the texts that name the instances, and the name of each that was written as a file.

    The file is named after a hash of its content, so the same instance is the same rows.
    """
    texts: list[str] = []
    names: dict[str, str] = {}
    for each in listed("instances", given, "a list of names, files or instances"):
        if not isinstance(each, Instance):
            if not isinstance(each, str | os.PathLike):
                what = "expected names, files or Instance objects"
                raise InvalidType(f"instances: {what}, got {shown(each)}")
            texts.append(os.fspath(each))
            continue
        try:
            path = _written(each, Path(f"{os.fspath(store_path)}-instances"))
        except (OSError, InstanceFileError) as error:
            cause = error if isinstance(error, OSError) else error.__cause__
            said = getattr(cause, "strerror", None) or error
            raise StoreError(f"store: cannot write beside {store_path}: {said}") from error
        if each.label in names.values() and path not in names:
            raise InvalidValue(f"instances: expected distinct names, got {each.label!r} twice")
        names[path] = each.label
        texts.append(path)
    return tuple(texts), names


def _written(instance: Instance, folder: Path) -> str:
    """Write an instance, if it is not there yet; return the path of its file."""
    digest = hashlib.sha256()
    for key, array in instance_arrays(instance).items():
        digest.update(f"{key} {array.shape} {array.dtype.str} ".encode() + array.tobytes())
    path = folder / f"{instance.label}-{digest.hexdigest()[:16]}.npz"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        # Written beside its place first: a run that is killed leaves no half of a file there.
        partial = folder / f"{path.stem}.{os.getpid()}.part.npz"
        sensing.save_instance(partial, instance)
        partial.replace(path)
    return str(path)
