"""The least eigenpair of a lifted Hessian, as the searches for it return it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lift_compare.sensing import StopReason
from lift_compare.sensing.floats import norm, silently
from lift_compare.sensing.validation import FloatArray, InvalidValue, locked, real_array

from ..kronecker.groups import GroupedTensor


@dataclass(frozen=True, repr=False)
class Curvature:
    """The least eigenpair of ∇²h^l(w).

    Attributes
    ----------
    value : float
        The least eigenvalue: the least curvature ⟨v, ∇²h^l(w)[v]⟩ over unit tensors v.
    eigenvector : GroupedTensor
        The eigenvector v in the symmetry that it was found with. `direction` is the same as an
        array, `along` its inner product with a rank-one power.
    residual : float
        ‖∇²h^l(w)[v] − value · v‖.
    stop_reason : StopReason
        CONVERGED, or ITERATIONS if the budget ended first.

    Examples
    --------
    >>> from lift_compare import lifting, sensing
    >>> lifted = lifting.LiftedProblem(sensing.two_by_two(), order=3)
    >>> found = lifting.least_curvature(lifted, lifted.lift([[0.0], [0.5**0.5]]))
    >>> round(found.value, 6), found.direction.shape
    (-1.757812, (2, 2, 2))
    >>> round(found.along([[1.0], [0.0]]), 6)  # v is the power of (1, 0)
    1.0
    """

    value: float
    eigenvector: GroupedTensor
    residual: float
    stop_reason: StopReason

    @cached_property
    def direction(self) -> FloatArray:
        """The eigenvector v as an array (d,)*l, of unit norm.

        Its largest entry is positive. Of a repeated eigenvalue it is one of many. It is formed when
        it is first asked for; MemoryLimitExceeded if it takes more than half of the memory
        available, ValueError if it has more modes than a numpy array can.
        """
        return locked(self.eigenvector.full())

    @silently
    def along(self, V: Any) -> float:
        """Return ⟨v, vec(V)^{⊗l}⟩: for a unit V the cosine of v and this power.

        Parameters
        ----------
        V : array (n, r) or (n r,)
            A matrix.
        """
        d = self.eigenvector.d
        x = real_array("V", V, (d,) if np.ndim(V) == 1 else (None, None)).reshape(-1)
        if len(x) != d:
            raise InvalidValue(f"V: expected {d} entries, got shape {np.shape(V)}")
        return self.eigenvector.along(x)

    def __repr__(self) -> str:
        return f"Curvature({self.value:.10g}, residual {self.residual:.2g}: {self.stop_reason})"


def measured(
    product: Callable[[FloatArray], FloatArray], vector: FloatArray
) -> tuple[FloatArray, float, float]:
    """Return the unit vector, its Rayleigh quotient and its residual."""
    vector = vector / norm(vector)
    image = product(vector)
    value = float(vector @ image)
    return vector, value, float(norm(image - value * vector))


def signed(tensor: GroupedTensor) -> GroupedTensor:
    """Return the tensor or its negative, so that its largest entry is positive."""
    entries = tensor.entries().reshape(-1)
    sign = float(np.sign(entries[np.argmax(np.abs(entries))]))
    return GroupedTensor(tensor.d, tensor.groups, locked(sign * tensor.coefficients))


def reason(residual: float, tolerance: float, scale: float) -> StopReason:
    """Return why the search ended."""
    return StopReason.CONVERGED if residual <= tolerance * scale else StopReason.ITERATIONS
