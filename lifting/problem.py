"""The lifted problem: h^l over tensors with l modes of length d = n r."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorly as tl

from sensing import SensingProblem
from sensing.validation import odd_order, real_array, whole_number

from .backends import row_major, using
from .contraction import ITEMSIZE
from .cost import DEFAULT_FRACTION, LiftingCost, MemoryLimitExceeded, available_memory
from .normal import NormalForm
from .residual import ResidualForm

FORMS = {form.name: form for form in (ResidualForm, NormalForm)}


class LiftedProblem:
    """The lifted objective h^l of a sensing problem, evaluated on explicit tensors.

    With P(w) the tensor whose modes d = n r are split into (n, r) (docs/theory.md, section 2):

        h^l(w)  = ½ ‖⟨A^{⊗l}, ⟨P(w), P(w)⟩⟩ − b^{⊗l}‖²
        ∇h^l(w) = 2 [(A*A)^{⊗l}(⟨P(w), P(w)⟩) − (A*(b))^{⊗l}] acting on P(w)

    Parameters
    ----------
    problem : SensingProblem
        The problem in matrix space.
    order : int
        Lifting order l, odd.
    form : str
        "auto" takes the form with the fewest predicted operations among those that fit the budget; or the name of a
        form: "residual", "normal".
    memory_limit : int, optional
        Bytes that one evaluation may take, with what is kept between evaluations. By default half of the memory
        available now (`lifting.cost.DEFAULT_FRACTION`).

    Raises
    ------
    TypeError, ValueError
        For an order that is not odd and positive, an unknown form, or one that does not apply.
    MemoryLimitExceeded
        If the evaluation would not fit; nothing has been allocated then.
    """

    def __init__(
        self, problem: SensingProblem, order: int, *, form: str = "auto", memory_limit: int | None = None
    ) -> None:
        if not isinstance(problem, SensingProblem):
            raise TypeError(f"problem: expected a SensingProblem, got {type(problem).__name__}")
        order = odd_order(order)
        if form not in ("auto", *FORMS):
            raise ValueError(f"form: expected 'auto' or one of {sorted(FORMS)}, got {form!r}")
        if memory_limit is None:
            allowed = int(DEFAULT_FRACTION * available_memory())
        else:
            allowed = whole_number("memory_limit", memory_limit)
        self.problem = problem
        self.order = order
        self.shape = (problem.n * problem.rank,) * order
        self._backend = "numpy"

        self._form = min(
            (kind(problem, order) for name, kind in FORMS.items() if form in ("auto", name)),
            key=lambda f: (f.stored_bytes + f.gradient_bytes > allowed, f.flops),
        )
        self.cost = LiftingCost(
            self._form.name,
            self._form.flops,
            self._form.gradient_bytes,
            ITEMSIZE * (problem.n * problem.rank) ** order,
            self._form.stored_bytes,
        )
        if self.cost.total_bytes > allowed:
            raise MemoryLimitExceeded(self.cost.total_bytes, allowed, f"the {self.cost.form} form at order {order}")
        self._form.prepare(np.array)

    def lift(self, X: Any) -> Any:
        """Return vec(X)^{⊗l} for X of shape (n, r)."""
        x = real_array("X", X, self.problem.shape).reshape(-1)
        with using(self._backend):
            return tl.tenalg.outer([x] * self.order)

    def value(self, w: Any) -> float:
        """Return h^l(w)."""
        with using(self._backend):
            return self._form.value(self.tensor("w", w))

    def gradient(self, w: Any) -> Any:
        """Return ∇h^l(w), in the shape of w."""
        return self.value_and_gradient(w)[1]

    def value_and_gradient(self, w: Any) -> tuple[float, Any]:
        """Return h^l(w) and ∇h^l(w) from one measurement."""
        with using(self._backend):
            value, gradient = self._form.value_and_gradient(self.tensor("w", w))
            return value, tl.reshape(gradient, self.shape)

    def hessian_product(self, w: Any, direction: Any) -> Any:
        """Return ∇²h^l(w)[direction], in the shape of w."""
        with using(self._backend):
            product = self._form.hessian_product(self.tensor("w", w), self.tensor("direction", direction))
            return tl.reshape(product, self.shape)

    def tensor(self, name: str, value: Any) -> Any:
        """Return `value` as a float64 tensor of the shape of w in row-major layout, or refuse it by its name."""
        with using(self._backend):
            if isinstance(value, np.ndarray) or not tl.is_tensor(value):
                array = np.asarray(value)
                if array.dtype.kind not in "fiub":
                    raise TypeError(f"{name}: expected real numbers, got dtype {array.dtype}")
                array = array.astype(np.float64, copy=False)
                value = array if self._backend == "numpy" else tl.tensor(array)
            if tuple(value.shape) != self.shape:
                raise ValueError(f"{name}: expected a tensor of shape {self.shape}, got shape {tuple(value.shape)}")
            if value.dtype != tl.float64:
                raise TypeError(f"{name}: expected a float64 tensor, got dtype {value.dtype}")
            return row_major(value)

    def __repr__(self) -> str:
        return f"LiftedProblem(order={self.order}, shape={self.shape}, form={self.cost.form!r}, {self.problem!r})"
