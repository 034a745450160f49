"""The tensorly backend of a lifted problem, used without changing the user's session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib import import_module
from typing import Any

import numpy as np
import tensorly as tl
from scipy import sparse

from lift_compare.sensing.threads import one_thread
from lift_compare.sensing.validation import InvalidValue

PACKAGES = {"numpy": "numpy", "pytorch": "torch", "jax": "jax"}
"""The backends, each with the package that it needs."""


def load(backend: Any) -> str:
    """Return the name of a backend that is known and installed, or refuse it.

    Raises
    ------
    ValueError
        If the backend is not known.
    ImportError
        If its package is not installed.
    """
    if backend not in PACKAGES:
        raise InvalidValue(f"backend: expected one of {sorted(PACKAGES)}, got {backend!r}")
    try:
        if backend == "jax":
            # Loaded by its name: without jax, and with it, the type checker then sees the same.
            jax: Any = import_module("jax")
            # tensorly turns 64-bit numbers on for the whole session when it loads this backend;
            # `using` does it for the block only.
            before = jax.config.read("jax_enable_x64")
            tl.backend.load_backend(backend)
            jax.config.update("jax_enable_x64", before)
        elif backend != "numpy":
            tl.backend.load_backend(backend)
    except ImportError as error:
        package = PACKAGES[backend]
        raise ImportError(
            f"backend {backend!r} needs the package {package}: "
            f"pip install 'lift-compare[{package}]'"
        ) from error
    return str(backend)


@contextmanager
def using(backend: str) -> Iterator[None]:
    """Run tensorly on a backend inside the block, in this thread only; with 64-bit numbers in jax.

    `tensorly.backend_context` leaves by setting the backend of *all* threads, also when it was
    entered for one: a session whose threads use different backends would be changed. So the
    thread's own setting is put back here.
    """
    before = tl.get_backend()
    if before != backend:
        tl.set_backend(backend, local_threadsafe=True)
    try:
        if backend == "jax":
            jax: Any = import_module("jax")
            with jax.enable_x64(True):
                yield
        else:
            yield
    finally:
        if before != backend:
            tl.set_backend(before, local_threadsafe=True)


def backend_of(tensor: Any) -> str:
    """Return the name of the backend that a tensor belongs to (numpy for lists and numbers)."""
    package = type(tensor).__module__.partition(".")[0]
    return {"torch": "pytorch", "jax": "jax", "jaxlib": "jax"}.get(package, "numpy")


def maker(backend: str, device: Any = None) -> Callable[[Any], Any]:
    """Return the function that makes a tensor of a backend, on a device, from a numpy array."""
    if backend == "pytorch":
        return lambda array: tl.tensor(array, device=device)
    if backend == "jax":
        jax: Any = import_module("jax")
        place = jax.devices(device)[0] if isinstance(device, str) else device
        return lambda array: jax.device_put(tl.tensor(array), place)
    return np.ascontiguousarray


def row_major(tensor: Any) -> Any:
    """Return a tensor in row-major layout, as the plans expect it (a copy only where needed)."""
    if isinstance(tensor, np.ndarray):
        return np.ascontiguousarray(tensor)
    return tensor.contiguous() if hasattr(tensor, "contiguous") else tensor


def take(tensor: Any, index: Any, axis: int = 0) -> Any:
    """Return the slices of a tensor at the positions of an index vector, in row-major layout."""
    if isinstance(tensor, np.ndarray):
        return np.take(tensor, index, axis=axis)
    if hasattr(tensor, "index_select"):
        return tensor.index_select(axis, index)
    return tensor.take(index, axis=axis)


def scatter_add(index: Any, values: Any, size: int) -> Any:
    """Return what entry k of the first axis adds up to: the values with index k."""
    shape = (size, *values.shape[1:])
    if hasattr(values, "index_select"):
        return values.new_zeros(shape).index_add_(0, index, values)
    return tl.zeros(shape, dtype=values.dtype).at[index].add(values)


class SparseMatrix:
    """A sparse matrix on a backend: scipy's with numpy, else its entries one by one.

    Parameters
    ----------
    values, rows, columns : arrays (k,)
        The entries; those at one place add up.
    shape : tuple of int
        Shape of the matrix.
    tensor, index : callable
        Makers of tensors and of positions of the backend.
    """

    def __init__(
        self, values: Any, rows: Any, columns: Any, shape: tuple[int, int], tensor: Any, index: Any
    ) -> None:
        self._shape = shape
        self._matrix: Any = None
        if isinstance(tensor(values[:1]), np.ndarray):
            width = np.int32 if _narrow(shape, len(values)) else np.int64
            order = np.argsort(rows, kind="stable")
            begins = np.searchsorted(rows, np.arange(shape[0] + 1), sorter=order).astype(width)
            entries = (values[order], columns[order].astype(width), begins)
            self._matrix = sparse.csr_array(entries, shape=shape)
            self._transposed = self._matrix.T  # the same arrays
        else:
            self._values = tensor(values)
            self._rows, self._columns = index(rows), index(columns)

    def __matmul__(self, x: Any) -> Any:
        """Return the matrix times x, a vector or a matrix."""
        if self._matrix is not None:
            return self._matrix @ x
        return self._product(self._rows, self._columns, x, self._shape[0])

    def transposed(self, y: Any) -> Any:
        """Return the transposed matrix times y."""
        if self._matrix is not None:
            return self._transposed @ y
        return self._product(self._columns, self._rows, y, self._shape[1])

    def _product(self, to: Any, at: Any, x: Any, size: int) -> Any:
        terms = take(x, at)
        terms *= self._values if len(x.shape) == 1 else self._values[:, None]
        return scatter_add(to, terms, size)


def sparse_bytes(rows: int, columns: int, entries: int) -> int:
    """Return the memory of a sparse matrix with numpy; others take 24 bytes an entry."""
    width = 4 if _narrow((rows, columns), entries) else 8
    return (8 + width) * entries + width * (rows + 1)


def _narrow(shape: tuple[int, int], entries: int) -> bool:
    return bool(max(*shape, entries) < 2**31)


def inner_product(x: Any, y: Any) -> Any:
    """Return ⟨x, y⟩ of two vectors, a number of their backend.

    `tl.dot` is BLAS here, which adds millions of terms one after the other; einsum adds parts of
    8192 terms first. A descent on nearly parallel generators magnifies the rounding: on the real
    system at l = 13 it then agrees with its simulation to 4e-13, and with `tl.dot` to 1e-10.
    """
    return np.einsum("i,i->", x, y) if isinstance(x, np.ndarray) else tl.dot(x, y)


def compiled(backend: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function compiled for its shapes where the backend does that (jax), else as it is.

    With pytorch nothing is compiled: `torch.compile` needs a compiler of C++ on the machine.
    """
    if backend != "jax":
        return function
    jax: Any = import_module("jax")
    run: Callable[..., Any] = jax.jit(function)
    return run


THREADS_WAKE, THREADS_PAY = 9_000, 2**28
"""Multiplications of one product from which OpenBLAS takes several threads, and from which these
pay even when they must wait for a busy core (measured: docs/dependencies.md)."""


def threads_for(backend: str, multiplications: float) -> AbstractContextManager[object]:
    """Return the context for products of at most so many multiplications each.

    With numpy, products of a middling size are made in one thread; the other backends have thread
    pools of their own.
    """
    if backend == "numpy" and THREADS_WAKE < multiplications < THREADS_PAY:
        return one_thread()
    return nullcontext()
