"""Stand-ins for the pytorch and jax backends of tensorly, for machines without these packages.

Their tensors are made with numpy but are no numpy arrays: they offer the operators and the few
methods that the lifted problem uses of torch and jax, with the signatures of these packages, and
numpy refuses to compute with them. So a tensor that leaves its backend is an error, as it is
there on a graphics card.
"""

import sys
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
from tensorly.backend import BackendManager
from tensorly.backend.core import Backend


class Tensor:
    """What torch's and jax's tensors have in common."""

    __array_ufunc__ = None  # numpy array ∘ tensor is an error, not a numpy array

    def __init__(self, data, device):
        self.data, self.device = np.asarray(data), device

    shape = property(lambda self: self.data.shape)
    dtype = property(lambda self: self.data.dtype)

    def __array__(self, dtype=None, copy=None):
        raise AssertionError("a tensor is taken off its device without tl.to_numpy")

    def __len__(self):
        return len(self.data)

    def __float__(self):
        return float(self.data)

    def __iter__(self):
        return (self._like(row) for row in self.data)

    def _like(self, data, *others):
        placed = [x.device for x in (self, *others) if isinstance(x, Tensor) and x.device]
        assert len(set(placed)) <= 1, "tensors on two devices meet"
        return type(self)(data, placed[0] if placed else None)

    def plain(self, other):
        """The numbers of another operand, if it may meet this tensor."""
        assert isinstance(other, type(self) | int | float), f"a tensor meets a {type(other)}"
        return other.data if isinstance(other, Tensor) else other

    def __getitem__(self, index):
        return self._like(self.data[index])

    def __add__(self, other):
        return self._like(self.data + self.plain(other), other)

    def __sub__(self, other):
        return self._like(self.data - self.plain(other), other)

    def __mul__(self, other):
        return self._like(self.data * self.plain(other), other)

    def __pow__(self, power):
        return self._like(self.data**power)

    def __truediv__(self, other):
        return self._like(self.data / self.plain(other), other)

    def __matmul__(self, other):
        return self._like(self.data @ self.plain(other), other)

    def reshape(self, shape):
        assert min(shape, default=0) >= -1, "numpy alone takes other negative lengths for -1"
        return self._like(self.data.reshape(shape))

    def max(self):
        return self._like(self.data.max())

    def min(self):
        return self._like(self.data.min())


class TorchTensor(Tensor):
    """Can be written; taken from along an axis by `index_select`."""

    def _written(self, result):
        self.data[...] = result.data
        return self

    def __iadd__(self, other):
        return self._written(self + other)

    def __isub__(self, other):
        return self._written(self - other)

    def __imul__(self, other):
        return self._written(self * other)

    def contiguous(self):
        return self._like(np.ascontiguousarray(self.data))

    def take(self, index):
        raise AssertionError("torch's take knows no axis")

    def index_select(self, dim, index):
        return self._like(np.take(self.data, self.plain(index), dim), index)

    def new_zeros(self, size):
        return self._like(np.zeros(size, self.data.dtype))

    def index_add_(self, dim, index, source):
        assert dim == 0
        np.add.at(self.data, self.plain(index), self.plain(source))
        return self._like(self.data, index, source)


class JaxTensor(Tensor):
    """Never written; taken from along an axis by `take`, added to by `at`."""

    def take(self, index, axis=None):
        return self._like(np.take(self.data, self.plain(index), axis), index)

    @property
    def at(self):
        return _At(self)


class _At:
    def __init__(self, tensor):
        self._tensor = tensor

    def __getitem__(self, index):
        def add(values):
            out, tensor = self._tensor.data.copy(), self._tensor
            np.add.at(out, tensor.plain(index), tensor.plain(values))
            return tensor._like(out, index, values)

        return SimpleNamespace(add=add)


TorchTensor.__module__, JaxTensor.__module__ = "torch", "jaxlib._jax"


def _numpys(function, kind):
    """A function of numpy for tensors of that kind, alone or in a list."""

    def called(*args, **more):
        tensors = [x for arg in args for x in (arg if isinstance(arg, list) else [arg])]
        tensors = [x for x in tensors if not isinstance(x, str | int | tuple | list)]
        assert all(isinstance(x, kind) for x in tensors), "not all of one backend"
        plain = [
            [x.data if isinstance(x, kind) else x for x in arg]
            if isinstance(arg, list)
            else (arg.data if isinstance(arg, kind) else arg)
            for arg in args
        ]
        return tensors[0]._like(function(*plain, **more), *tensors[1:])

    return staticmethod(called)


def _backend(name, kind, tensor, start=lambda self: None):
    """A tensorly backend with tensors of that kind, which `tensor` makes."""
    functions = ("transpose", "concatenate", "stack", "einsum", "dot", "sum", "sqrt", "abs")
    methods = {
        **{each: _numpys(getattr(np, each), kind) for each in functions},
        "reshape": staticmethod(lambda x, shape: x.reshape(shape)),
        "shape": staticmethod(lambda x: x.shape),
        "tensor": staticmethod(tensor),
        "zeros": staticmethod(lambda shape, *, dtype: tensor(np.zeros(shape), dtype)),
        "is_tensor": staticmethod(lambda x: isinstance(x, kind)),
        "to_numpy": staticmethod(lambda x: x.data.copy()),
        "__init__": start,
    }
    registered = dict(Backend._available_backends)
    made = type(Backend)(kind.__name__, (Backend,), methods, backend_name=name)
    Backend._available_backends.clear()
    Backend._available_backends.update(registered)
    return made


def _torch():
    def tensor(data, dtype=None, device=None):
        return TorchTensor(np.array(data, dtype), device or "cpu")

    backend = _backend("pytorch", TorchTensor, tensor)
    backend.context = staticmethod(lambda x: {"dtype": x.dtype, "device": x.device})
    return backend, None


def _jax():
    """64-bit numbers are off at first, and turned on by tensorly when it loads the backend."""
    settings = {"jax_enable_x64": False}

    def tensor(data, dtype=None):
        data = np.array(data, dtype)
        narrow = data.dtype == np.float64 and not settings["jax_enable_x64"]
        return JaxTensor(data.astype(np.float32) if narrow else data, None)

    def put(x, device):
        return JaxTensor(x.data, device or x.device)

    @contextmanager
    def enable_x64(on):
        before = settings["jax_enable_x64"]
        settings["jax_enable_x64"] = on
        try:
            yield
        finally:
            settings["jax_enable_x64"] = before

    backend = _backend("jax", JaxTensor, tensor, lambda self: settings.update(jax_enable_x64=True))
    backend.context = staticmethod(lambda x: {"dtype": x.dtype})
    module = SimpleNamespace(
        config=SimpleNamespace(
            read=settings.__getitem__, update=lambda key, on: settings.update({key: on})
        ),
        enable_x64=enable_x64,
        devices=lambda kind: [f"{kind}:0", f"{kind}:1"],
        device_put=put,
        jit=lambda function: function,
    )
    return backend, module


def install(monkeypatch, name):
    """Put the stand-in in the place of a backend until the test ends."""
    backend, module = {"pytorch": _torch, "jax": _jax}[name]()
    monkeypatch.setitem(Backend._available_backends, name, backend)
    loaded = dict(BackendManager._loaded_backends)
    loaded.pop(name, None)
    monkeypatch.setattr(BackendManager, "_loaded_backends", loaded)
    if module is not None:
        monkeypatch.setitem(sys.modules, name, module)


def uninstall(monkeypatch, name, package):
    """Make a backend one whose package is not installed, until the test ends."""
    known = {other: each for other, each in Backend._available_backends.items() if other != name}
    monkeypatch.setattr(Backend, "_available_backends", known)
    monkeypatch.setattr(BackendManager, "_loaded_backends", {"numpy": known["numpy"]()})
    monkeypatch.delitem(sys.modules, f"tensorly.backend.{name}_backend", raising=False)
    monkeypatch.setitem(sys.modules, package, None)
