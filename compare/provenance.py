"""Where a result comes from: versions, machine, threads, seed. It travels with every table that is written."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

_PACKAGES = ("lift-compare", "numpy", "scipy", "opt_einsum", "tensorly", "matplotlib")
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def provenance(seed: int | None = None, **settings: Any) -> dict[str, Any]:
    """Return versions, machine, thread limits, date (UTC), seed and any further settings as a JSON-ready dict."""
    return {
        "seed": seed,
        **settings,
        "versions": {
            "python": platform.python_version(),
            **{name: _version(name) for name in _PACKAGES},
        },
        "machine": {
            "processor": _processor(),
            "cores": os.cpu_count(),
            "system": f"{platform.system()} {platform.machine()}",
            "threads": {name: os.environ.get(name, "not set") for name in _THREAD_VARIABLES},
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
