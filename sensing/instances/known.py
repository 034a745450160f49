"""What is known of an instance in closed form: its facts, in words and numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..tolerances import NOISE
from ..validation import MAX_ORDER, InvalidValue, positive

DERIVED = "derived here (docs/catalogue.md)"

LARGEST_WEIGHT = 1e150
"""Of an entry: its square is a float64, and so is ‖b‖."""

MINIMUM, DEGENERATE, SADDLE = "minimum", "degenerate", "saddle"
"""What ∇²h says of X̂: positive definite but for the rotations X̂Q; positive semidefinite with
further zeros, where it decides nothing; or a negative eigenvalue."""


def kind_of(margin: float) -> str:
    """Return what X̂ is where `margin` has the sign of the smallest eigenvalue of ∇²h."""
    if abs(margin) <= NOISE:
        return DEGENERATE
    return MINIMUM if margin > 0 else SADDLE


def saddle_order_of(K1: float, K2: float, K3: float) -> int | None:
    """Return the least odd l ≤ 1001 with K₁^l + 2 K₃^l < K₂^l, for K₂ > 0; None if there is none.

    K₁ = ⟨A(DDᵀ), A(X̂X̂ᵀ)⟩, K₂ = ⟨A(DDᵀ), b⟩ and K₃ = ‖A(X̂Dᵀ)‖² decide the curvature of h^l at
    vec(X̂)^{⊗l} along vec(D)^{⊗l} (docs/theory.md, section 5).
    """
    orders = np.arange(1, MAX_ORDER + 1, 2)
    holds = (K1 / K2) ** orders + 2 * (K3 / K2) ** orders < 1
    return int(orders[np.argmax(holds)]) if np.any(holds) else None


def orders_of(kind: str, K1: float, K2: float, K3: float) -> dict[str, int | None]:
    """Return the saddle order along the visible direction, and that along V* where it follows.

    No order below three makes a minimum a strict saddle: where the visible direction has order
    three, so has the oracle direction.
    """
    order = saddle_order_of(K1, K2, K3)
    both = order == 3 and kind == MINIMUM
    return {"saddle_order": order} | ({"oracle_order": 3} if both else {})


def at_most(name: str, value: Any, largest: float) -> float:
    """Return a positive number up to a limit, below which the powers in the facts fit."""
    number = positive(name, value)
    if number > largest:
        raise InvalidValue(f"{name}: expected a number of at most {largest:g}, got {number:g}")
    return number


def instance_name(name: str, **parameters: Any) -> str:
    """Return `name:key=value,...`, every digit of a number included."""
    return f"{name}:{','.join(f'{key}={value}' for key, value in parameters.items())}"
