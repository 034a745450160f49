"""The lifted problem: h^l over tensors with l modes of length d = n r."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cached_property, partial
from typing import Any

import numpy as np
import tensorly as tl

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.floats import finite, silently
from lift_compare.sensing.validation import (
    InvalidType,
    InvalidValue,
    OutOfRange,
    odd_order,
    real_array,
    shown,
)

from .backends import compiled, load, maker, row_major, threads_for, using
from .cost import (
    DISTINCT_MODES,
    ITEMSIZE,
    MOST_MODES,
    LiftingCost,
    LiftingCosts,
    MemoryLimitExceeded,
    allowed_bytes,
    evaluation_bytes,
    python_bytes,
)
from .forms.choice import FORMS, MANY_AT_ONCE, Form, costs_of, plan, predict_cost
from .kronecker import hessian as kronecker
from .kronecker.recognition import lifted_point
from .symmetry import each_is_symmetric, is_symmetric

_MANY_BYTES = 2**22
"""What many tensors take that are evaluated at once: more would leave the cache."""


class LiftedProblem:
    """The lifted objective h^l of a sensing problem, evaluated on explicit tensors.

    With P(w) the tensor whose modes d = n r are split into (n, r) (docs/theory.md, section 2):

        h^l(w)  = ½ ‖⟨A^{⊗l}, ⟨P(w), P(w)⟩⟩ − b^{⊗l}‖²
        ∇h^l(w) = 2 [(A*A)^{⊗l}(⟨P(w), P(w)⟩) − (A*(b))^{⊗l}] acting on P(w)

    The forms give the same numbers at different costs (docs/explicit-cost.md):

    - "residual": A contracted into w mode by mode, m^l residual entries;
    - "normal": the n⁴ cores of A*A, as in the lifting literature;
    - "pairs": A*A over pairs of indices {p, q}, n(n+1)/2 a mode;
    - "entrywise": swaps of modes, for operators that weigh single entries;
    - "rank-one": mode products, for operators A_i = a_i a_iᵀ;
    - "symmetric", "symmetric-pairs": the residual, or A*A over pairs, in the distinct entries of a
      symmetric w. Any other w goes to the fastest of the other forms.

    Parameters
    ----------
    problem : SensingProblem
        The problem in matrix space.
    order : int
        Lifting order l, odd.
    form : str
        The name of a form, or "auto": the fastest of those that fit the memory limit, as predicted
        from operations, bytes moved and calls. That may be one for symmetric tensors,
        which every iterate is that starts from a lifted point; others go to the fastest other form.
    memory_limit : int, optional
        Bytes for one evaluation and what is kept between evaluations, without its arguments. By
        default half of the memory available now.
    backend : str
        tensorly backend that holds the tensors: "numpy", "pytorch" or "jax". The session's own
        backend is not changed.
    device : optional
        Where that backend puts them, such as "cuda" (pytorch) or "gpu" (jax).

    Attributes
    ----------
    shape : tuple of int
        Shape (n r,)*l of w.
    backend : str
        tensorly backend that holds the tensors.
    memory_limit : int
        Bytes allowed, as given or by default.
    cost : LiftingCost
        Predicted cost of the form in use.

    Raises
    ------
    TypeError, ValueError
        For an order that is not odd and positive, an unknown form, or one that does not apply.
    ImportError
        If the backend's package is not installed.
    MemoryLimitExceeded
        If no form fits the memory limit; nothing has been allocated then.
    OverflowError
        If ‖b‖^{2l} or an A_i is beyond float64.

    Examples
    --------
    >>> from lift_compare import lifting, sensing
    >>> problem = sensing.two_by_two()
    >>> lifted = lifting.LiftedProblem(problem, order=3)
    >>> w = lifted.lift([[0.0], [0.5**0.5]])
    >>> w.shape, round(lifted.value(w), 7)
    ((2, 2, 2), 0.4921875)
    >>> bool(abs(lifted.gradient(w)).max() < 1e-12)  # ŵ is stationary
    True
    """

    def __init__(
        self,
        problem: SensingProblem,
        order: int,
        *,
        form: str = "auto",
        memory_limit: int | None = None,
        backend: str = "numpy",
        device: Any = None,
    ) -> None:
        if not isinstance(problem, SensingProblem):
            raise InvalidType(f"problem: expected a SensingProblem, got {type(problem).__name__}")
        self.problem = problem
        self.order = odd_order(order)
        if not isinstance(form, str) or form not in ("auto", *FORMS):
            raise InvalidValue(
                f"form: expected 'auto' or one of {', '.join(FORMS)}, got {shown(form)}"
            )
        if form != "auto" and (reason := FORMS[form].unfit(problem, self.order)) is not None:
            raise InvalidValue(f"form: {form!r} does not apply to this problem: {reason}")
        self.memory_limit = allowed_bytes(memory_limit)
        if self.order >= MOST_MODES:
            needed = ITEMSIZE * (problem.n * problem.rank) ** self.order
            if needed > self.memory_limit:  # that is what stands in the way where n r > 1
                raise MemoryLimitExceeded(needed, self.memory_limit, f"order {self.order}: w")
            most = f"expected at most {MOST_MODES - 1}, the modes a numpy array can have"
            raise InvalidValue(f"order: {most}, got {shown(order)}")
        self.shape = (problem.n * problem.rank,) * self.order
        self.backend, self._device = load(backend), device
        self._compiled: dict[tuple[Any, ...], Callable[..., Any]] = {}
        self._chosen = form == "auto"
        self._form, self.cost = self._built(FORMS if self._chosen else [form])
        # At a lifted point the Hessian is three Kronecker powers, whatever m is.
        self._kronecker_pays = (
            self._chosen
            and self.backend == "numpy"
            and kronecker.product_flops(problem, self.order) < 2 * self._form.flops
            and kronecker.product_bytes(problem, self.order) <= self.memory_limit
        )

    @cached_property
    def costs(self) -> LiftingCosts:
        """Predicted cost of every form; printed, it is a table."""
        return predict_cost(self.problem, self.order)

    @silently
    def lift(self, X: Any) -> Any:
        """Return vec(X)^{⊗l} for X of shape (n, r).

        Raises
        ------
        TypeError, ValueError
            For X that is not a finite (n, r) array.
        OverflowError
            If an entry is beyond float64.
        """
        x = real_array("X", X, self.problem.shape).reshape(-1)
        largest = float(np.abs(x).max())
        if largest > 1 and self.order * math.log10(largest) > math.log10(sys.float_info.max):
            finite("X: vec(X)^{⊗l}", np.inf)
        with using(self.backend):
            x = maker(self.backend, self._device)(x.copy())
            return tl.tenalg.outer([x] * self.order)

    @silently
    def value(self, w: Any) -> float:
        """Return h^l(w); OverflowError if it is beyond float64."""
        with using(self.backend):
            w = self.tensor("w", w)
            form, known = self._form_for(w)
            return finite("w: h^l(w)", _not_below_zero(self._run(form, "value", w, **known)))

    def gradient(self, w: Any) -> Any:
        """Return ∇h^l(w), in the shape of w; OverflowError if it, or h^l, is beyond float64."""
        return self.value_and_gradient(w)[1]

    @silently
    def value_and_gradient(self, w: Any) -> tuple[float, Any]:
        """Return h^l(w) and ∇h^l(w), computed together; OverflowError as for the two alone."""
        value, gradient = self.unchecked(self.tensor("w", w))
        finite("w: h^l(w)", value)
        if isinstance(gradient, np.ndarray):
            finite("w: ∇h^l(w)", gradient)
        return value, gradient

    @silently
    def values_and_gradients(self, tensors: Any) -> tuple[Any, Any]:
        """Return h^l and ∇h^l at several tensors, as many at a time as the memory limit allows.

        Where calls take the time, that takes a fraction of one evaluation after the other: they are
        shared (in the residual, entrywise and symmetric forms).

        Parameters
        ----------
        tensors : tensor of shape (k, n r, ..., n r)
            Such as the iterates of k starts.

        Returns
        -------
        values, gradients : arrays of shape (k,) and (k, n r, ..., n r)

        Raises
        ------
        TypeError, ValueError
            For tensors that are not finite real numbers of that shape.
        OverflowError
            If a number is beyond float64.

        Examples
        --------
        >>> import numpy as np
        >>> from lift_compare import lifting, sensing
        >>> lifted = lifting.LiftedProblem(sensing.two_by_two(), order=3)
        >>> starts = np.stack([lifted.lift([[0.0], [c]]) for c in (0.5, 0.7, 0.9)])
        >>> values, gradients = lifted.values_and_gradients(starts)
        >>> gradients.shape, [round(float(value), 6) for value in values]
        ((3, 2, 2, 2), [0.498169, 0.492215, 0.574785])
        """
        with using(self.backend):
            tensors = self._checked("tensors", tensors, (None, *self.shape))
            form, peak = self._form_for_many
            asks = form is not None and (form.symmetric_only or form.asks_symmetric)
            symmetric = asks and each_is_symmetric(tensors)
            if form is None or (form.symmetric_only and not symmetric):
                pairs = [self.unchecked(row_major(w)) for w in tensors]
                values = np.array([value for value, _ in pairs])
                gradients = tl.stack([gradient for _, gradient in pairs])
            else:
                room = min(_MANY_BYTES, self.memory_limit - form.stored_bytes)
                many = min(len(tensors), max(1, room // peak))
                known = {"symmetric": symmetric} if form.asks_symmetric else {}
                run = partial(self._run, form, "values_and_gradients", many=many, **known)
                parts = [run(tensors[i : i + many]) for i in range(0, len(tensors), many)]
                values = np.concatenate([tl.to_numpy(part) for part, _ in parts])
                values = np.where(values < 0, 0.0, values)  # as `_not_below_zero`
                gradients = tl.concatenate([part for _, part in parts], axis=0)
            finite("tensors: h^l", values)
            if isinstance(gradients, np.ndarray):
                finite("tensors: ∇h^l", gradients)
            return values, gradients

    def unchecked(self, w: Any, *, symmetric: bool | None = None) -> tuple[float, Any]:
        """Return `value_and_gradient` for a tensor that was checked before, finite or not.

        For descents, which end where h^l leaves float64, and know whether w is symmetric (None:
        it is looked at). Numpy's signals are the caller's.
        """
        with using(self.backend):
            form, known = self._form_for(w, symmetric=symmetric)
            value, gradient = self._run(form, "value_and_gradient", w, **known)
            return _not_below_zero(value), gradient.reshape(self.shape)

    @silently
    def hessian_product(self, w: Any, direction: Any) -> Any:
        """Return ∇²h^l(w)[direction], in the shape of w.

        Where w is a lifted point to rounding (recognised from its entries: `form="auto"`, numpy)
        and it takes fewer operations, by three Kronecker powers of d×d matrices (docs/theory.md,
        section 10). A form that was asked for by name is always the one that computes, so that the
        two can be compared.

        Raises
        ------
        TypeError, ValueError
            For tensors that are not finite real numbers of the shape of w.
        MemoryLimitExceeded
            If it takes more than the limit, which an evaluation need not.
        OverflowError
            If an entry is beyond float64.
        """
        w, direction = self.tensor("w", w), self.tensor("direction", direction)
        product = self.unchecked_hessian(w)(direction)
        if isinstance(product, np.ndarray):
            finite("w, direction: ∇²h^l(w)[direction]", product)
        return product

    def unchecked_hessian(self, w: Any) -> Callable[[Any], Any]:
        """Return direction ↦ ∇²h^l(w)[direction], for tensors that were checked before.

        What the products at one w share is computed once, with the first of them.
        """
        x = lifted_point(w) if self._kronecker_pays else None
        with using(self.backend):
            asks = self._form.symmetric_only or self._form.asks_symmetric
            # None: as the direction is. A lifted point is symmetric.
            symmetric = None if x is not None or (asks and is_symmetric(w)) else False
        parts: dict[str, Any] = {}

        def product(direction: Any) -> Any:
            if x is not None:
                with suppress(OverflowError):  # the form says what is finite of it
                    X = x.reshape(self.problem.shape)
                    return kronecker.hessian_product_at(self.problem, X, self.order, direction)
            with using(self.backend):
                form, known = self._form_for(direction, symmetric=symmetric)
                modes = DISTINCT_MODES if form.symmetric_only else self.order
                peak = form.hessian_bytes + python_bytes(modes, "hessian_product")
                needed = evaluation_bytes(form.stored_bytes, peak)
                if needed > self.memory_limit:
                    what = f"order {self.order}: a Hessian product"
                    raise MemoryLimitExceeded(needed, self.memory_limit, what)
                if form.name not in parts:
                    parts[form.name] = self._run(form, "hessian_part", w)
                tensors = (parts[form.name], w, direction)
                return self._run(form, "hessian_product", *tensors, **known).reshape(self.shape)

        return product

    def _run(self, form: Form, method: str, *tensors: Any, many: int = 1, **known: bool) -> Any:
        """Call a method of a form, compiled where the backend compiles; `many` tensors at once."""
        key = (form.name, method, *known.items())
        if key not in self._compiled:
            function = partial(getattr(form, method), **known)
            self._compiled[key] = compiled(self.backend, function)
        with threads_for(self.backend, form.largest_product * many):
            return self._compiled[key](*tensors)

    def tensor(self, name: str, value: Any) -> Any:
        """Return `value` as a row-major float64 tensor of the shape of w, or refuse it by name."""
        with using(self.backend):
            return self._checked(name, value, self.shape)

    def _checked(self, name: str, value: Any, shape: tuple[int | None, ...]) -> Any:
        """Return `value` as `tensor` does, for a shape whose first length may be any."""
        if isinstance(value, np.ndarray) or not tl.is_tensor(value):
            value = real_array(name, value, shape)
            if self.backend != "numpy":
                value = maker(self.backend, self._device)(value)
        got = tuple(value.shape)
        if len(got) != len(shape) or got[-self.order :] != self.shape or 0 in got:
            wanted = str(shape).replace("None", "k")
            raise InvalidValue(f"{name}: expected a tensor of shape {wanted}, got {got}")
        if not str(value.dtype).endswith("float64"):  # 'float64' or 'torch.float64'
            raise InvalidType(f"{name}: expected a float64 tensor, got dtype {value.dtype}")
        return row_major(value)

    def _form_for(
        self, *tensors: Any, symmetric: bool | None = None
    ) -> tuple[Form, dict[str, bool]]:
        """Return the form for tensors that are symmetric or not, and what it asks of them."""
        form = self._form
        if symmetric is None and (form.symmetric_only or form.asks_symmetric):
            symmetric = all(is_symmetric(tensor) for tensor in tensors)
        if form.symmetric_only and not symmetric:
            form = self._general_form
        return form, {"symmetric": bool(symmetric)} if form.asks_symmetric else {}

    @cached_property
    def _general_form(self) -> Form:
        """The fastest form for tensors that are not symmetric, as predicted."""
        return self._built(name for name, kind in FORMS.items() if not kind.symmetric_only)[0]

    @cached_property
    def _form_for_many(self) -> tuple[Form | None, int]:
        """The form for many tensors at once, if one pays, and its bytes a tensor.

        Calls are shared: what a tensor costs there is the operations and bytes of its own.
        """
        names = MANY_AT_ONCE if self._chosen else [self.cost.form]
        costs = [self.costs[name] for name in names if name in MANY_AT_ONCE]
        for cost in sorted(costs, key=lambda cost: cost.work_seconds):
            if cost.form == self.cost.form:
                return self._form, 2 * cost.peak_bytes
            if cost.reason is None and cost.work_seconds < self.cost.seconds:
                try:
                    return self._built([cost.form])[0], 2 * cost.peak_bytes
                except MemoryLimitExceeded:
                    pass
        return None, 0

    @silently
    def _built(self, names: Iterable[str]) -> tuple[Form, LiftingCost]:
        """Plan the named forms, choose one within the limit, and build it."""
        names = list(names)
        planned = plan(self.problem, self.order, names)
        cost = costs_of(planned, names, self.problem, self.order).choose(self.memory_limit)
        form = planned[cost.form]
        with using(self.backend):
            make = maker(self.backend, self._device)
            try:
                form.prepare(make, make)
            except OverflowError as error:
                raise OutOfRange(
                    f"order: ‖b‖^{{2l}} leaves the range of float64 at order {self.order}"
                ) from error
        return form, cost

    def __repr__(self) -> str:
        form = f"form={self.cost.form!r}"
        return f"LiftedProblem(order={self.order}, shape={self.shape}, {form}, {self.problem!r})"


def _not_below_zero(value: Any) -> float:
    """Return h^l as a number: rounding of terms that cancel may leave less than nothing."""
    value = float(value)
    return 0.0 if value < 0 else value  # NaN stays NaN: the run that meets it has diverged
