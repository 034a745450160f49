"""The grids of rivals that ship: which instances, which rivals, how many runs."""

from __future__ import annotations

from dataclasses import dataclass

from ..rivals.registry import RIVALS


@dataclass(frozen=True)
class RivalGrid:
    """A part of a grid: every rival on every instance.

    Attributes
    ----------
    instances, rivals : tuple of str
        Names.
    runs : int
        Starts of each instance, or instances of each family.
    start : str
        "random" or "point".
    """

    instances: tuple[str, ...]
    rivals: tuple[str, ...]
    runs: int
    start: str = "random"


SPURIOUS = (
    *("two-by-two", "perturbed-completion", "real-system", "sharp-delta", "rip-dial"),
    *("two-clusters", "path-completion", "block-ring", "block-completion", "twisted-states"),
    *("sign-synchronisation", "phase-retrieval", "phase-retrieval-hard", "power-system"),
)
"""The instances of the catalogue with a spurious X̂."""

ALL = tuple(RIVALS)
FAST = (
    *("gd", "sgd-polyak", "perturbed-gd", "restarts", "random-line", "larger-rank"),
    *("high-order-loss", "line-search", "exact", "any", "exact-lbfgs", "exact-restarts"),
)
"""One of each kind: what `lift-compare rivals` runs where no rival is named."""

_MANY = tuple(name for name in FAST if name not in ("perturbed-gd", "random-line", "line-search"))
_OTHERS = tuple(name for name in ALL if name not in _MANY)


def gaussian_cells(n: int, rank: int) -> tuple[str, ...]:
    """Return the Gaussian families of one side and rank, m from n to 2n."""
    return tuple(f"gaussian:n={n},m={m},rank={rank}" for m in (n, 5 * n // 4, 3 * n // 2, 2 * n))


_CELLS = tuple(cell for n in (10, 20) for rank in (1, 2) for cell in gaussian_cells(n, rank))

_COMPLETIONS = tuple(
    f"perturbed-completion:n={n},epsilon={epsilon}" for n in (10, 20, 40) for epsilon in (0.15, 0.1)
)

GRIDS: dict[str, tuple[RivalGrid, ...]] = {
    "quick": (
        RivalGrid(SPURIOUS, FAST, 5),
        RivalGrid(SPURIOUS, FAST, 1, "point"),
        RivalGrid(("perturbed-completion:n=20,epsilon=0.1",), FAST, 10),
        RivalGrid(gaussian_cells(10, 1), FAST, 10),
    ),
    "full": (
        RivalGrid((*SPURIOUS, "asymmetric", "iris"), ALL, 10),
        RivalGrid(SPURIOUS, ALL, 5, "point"),
        RivalGrid(_COMPLETIONS, FAST, 40),
        RivalGrid(_CELLS, _MANY, 200),
        RivalGrid(gaussian_cells(10, 1), _OTHERS, 20),
    ),
}
"""`lift-compare rivals --grid NAME`."""
