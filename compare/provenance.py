"""Where a result comes from: versions, machine, threads, seed. It travels with every table."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

from .threads import thread_limits

_PACKAGES = ("lift-compare", "numpy", "scipy", "opt_einsum", "tensorly", "matplotlib")


def provenance(seed: int | None = None, **settings: Any) -> dict[str, Any]:
    """Return seed, settings, versions, machine, threads and date (UTC), ready for JSON."""
    return {
        "seed": seed,
        **settings,
        "versions": {"python": platform.python_version(), **{p: _version(p) for p in _PACKAGES}},
        "machine": {
            "processor": _processor(),
            "cores": os.cpu_count(),
            "system": f"{platform.system()} {platform.machine()}",
            "threads": thread_limits(),
        },
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"
