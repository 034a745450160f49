"""The best symmetric rank-one approximation of a symmetric tensor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorly as tl

from lift_compare.sensing.floats import finite, normalised, silently
from lift_compare.sensing.tolerances import LAST_DIGIT, POWER_ITERATION, POWER_SHIFT
from lift_compare.sensing.validation import (
    FloatArray,
    InvalidValue,
    locked,
    random_generator,
    real_array,
    real_number,
    refuse_absurd,
    shown,
    whole_number,
)

from .backends import backend_of, using
from .cost import MOST_MODES
from .multisets import insertion_tables, last_index, multiplicities, without_last
from .symmetry import is_symmetric

_EXTRA_STARTS = 24  # random ones, besides coordinate axes and singular vectors
_ITERATIONS = 500
_FINALISTS, _BEFORE_THE_CUT = 8, 30  # so many starts are followed after so many iterations


@dataclass(frozen=True, repr=False)
class RankOne:
    """The symmetric rank-one tensor weight · vector^{⊗l}.

    Attributes
    ----------
    weight : float
        The weight; for an odd order it is not negative (the sign is the vector's).
    vector : array (d,)
        The unit vector.
    order : int
        Number of modes l.

    Examples
    --------
    >>> import numpy as np
    >>> from lift_compare import lifting
    >>> float(lifting.RankOne(2.0, np.array([0.0, 1.0]), 3).tensor()[1, 1, 1])
    2.0
    """

    weight: float
    vector: FloatArray
    order: int

    def __post_init__(self) -> None:
        vector = locked(real_array("vector", self.vector, (None,)))
        object.__setattr__(self, "vector", vector)
        object.__setattr__(self, "weight", real_number("weight", self.weight))
        object.__setattr__(self, "order", whole_number("order", self.order))
        if self.order >= MOST_MODES:
            raise InvalidValue(
                f"order: expected at most {MOST_MODES - 1}, the modes a numpy array can have, "
                f"got {shown(self.order)}"
            )

    @silently
    def tensor(self) -> FloatArray:
        """Return weight · vector^{⊗l}, shape (d,)*l; OverflowError if it is beyond float64."""
        refuse_absurd(*[len(self.vector)] * self.order)
        with using("numpy"):
            power = tl.tenalg.outer([self.vector] * self.order)
            return finite("RankOne: weight · vector^{⊗l}", np.asarray(self.weight * power))

    def __repr__(self) -> str:
        length = len(self.vector)
        return f"RankOne({self.weight:.6g} · vector^⊗{self.order}, vector of length {length})"


@silently
def best_rank_one(tensor: Any, *, seed: int = 0) -> RankOne:
    """Return the best symmetric rank-one approximation of a symmetric tensor T of any order.

    min ‖T − weight · x^{⊗l}‖ over unit x is reached where |p(x)|, p(x) = ⟨T, x^{⊗l}⟩, is largest,
    with weight p(x). For a symmetric tensor no other rank-one tensor is nearer (Banach). |p| has
    many local maxima; each start climbs by the power iteration with the adaptive shift of Kolda and
    Mayo (arXiv 1401.1183), under which |p| rises (a long step away from a maximum may lower it),
    and the best end point is finished by Newton steps. Starts: the coordinate axes, the left
    singular vectors of the unfolded tensor, and seeded normal vectors. The search is not a proof: a
    maximum with a tiny basin may be missed.

    Parameters
    ----------
    tensor : tensor (d,)*l
        The symmetric tensor, on any backend.
    seed : int
        Seed of the random starts.

    Returns
    -------
    RankOne
        On the CPU, as numpy numbers.

    Raises
    ------
    TypeError, ValueError
        For a tensor that is not real, finite and symmetric with modes of one length; a bad seed.
    OverflowError
        If the weight is beyond float64.

    Examples
    --------
    >>> import numpy as np
    >>> from lift_compare import lifting
    >>> x = np.array([0.6, 0.8])
    >>> T = 3 * np.einsum("a,b,c->abc", x, x, x)
    >>> T[0, 0, 0] += 0.1
    >>> lifting.best_rank_one(T).vector.round(3)
    array([0.608, 0.794])
    """
    if backend_of(tensor) != "numpy":
        with using(backend_of(tensor)):
            tensor = tl.to_numpy(tensor)
    given = real_array("tensor", tensor, (...,))
    if given.ndim == 0 or len(set(given.shape)) != 1:
        raise InvalidValue(f"tensor: expected modes of one length, got shape {given.shape}")
    rng = random_generator(seed)
    T, unit = normalised(given)  # so that no square leaves float64
    with using("numpy"):
        if not is_symmetric(T):
            raise InvalidValue(
                "tensor: expected a symmetric tensor, "
                "got one that changes when its modes are permuted"
            )
    polynomial = _Polynomial(T)
    d, order = T.shape[0], T.ndim
    if order == 1 or not np.any(T):
        norm = float(np.linalg.norm(T)) if order == 1 else 0.0
        return _scaled(norm, unit, T / norm if norm > 0 else np.eye(d)[0], order)

    singular = np.linalg.eigh(polynomial.unfolded_gram)[1][:, ::-1]
    random = rng.standard_normal((d, _EXTRA_STARTS))
    starts = np.concatenate([np.eye(d), singular, random / np.linalg.norm(random, axis=0)], axis=1)
    candidates = [(1.0, polynomial.climb(starts, 1.0))]
    if order % 2 == 0:  # for an odd order, p(−x) = −p(x)
        candidates.append((-1.0, polynomial.climb(starts, -1.0)))
    best_value, best = 0.0, np.eye(d)[0]
    for sign, points in candidates:
        values = sign * polynomial.value(points)
        winner = int(np.argmax(values))
        if values[winner] > abs(best_value):
            best_value, best = sign * float(values[winner]), points[:, winner]
    best = polynomial.polish(best)
    if order % 2 == 1 and polynomial.value(best[:, None])[0] < 0:
        best = -best
    return _scaled(float(polynomial.value(best[:, None])[0]), unit, best, order)


def _scaled(weight: float, unit: int, vector: FloatArray, order: int) -> RankOne:
    weight = float(np.ldexp(weight, unit))
    return RankOne(finite("tensor: the weight of its approximation", weight), vector, order)


class _Polynomial:
    """p(x) = ⟨T, x^{⊗l}⟩ and its derivatives, from the distinct entries of T.

    All methods take the points as columns of an array (d, k).
    """

    def __init__(self, T: FloatArray) -> None:
        d, order = T.shape[0], T.ndim
        self.d, self.order = d, order
        position = np.zeros(1, dtype=np.intp)
        for k in range(1, order + 1):
            position = position[without_last(d, k)] * d + last_index(d, k)
        entries = T.reshape(-1)[position]
        tables = insertion_tables(d, order)
        # G[e, ρ]: T with one index e, times how often the multiset ρ of the others occurs; H
        # likewise with two.
        self._G = entries[tables[-1]] * multiplicities(d, order - 1)
        if order > 1:
            pairs = tables[-1][:, tables[-2]]  # (d, d, N_{l−2})
            self._H = (entries[pairs] * multiplicities(d, order - 2)).reshape(d * d, -1)
            self.unfolded_gram = self._G @ entries[tables[-1]].T

    def _monomials(self, x: FloatArray, degree: int) -> FloatArray:
        monomials = np.ones((1, x.shape[1]))
        for k in range(1, degree + 1):
            monomials = monomials[without_last(self.d, k)] * x[last_index(self.d, k)]
        return monomials

    def contracted(self, x: FloatArray) -> FloatArray:
        """T x^{l−1}, shape (d, k): the gradient of p over l."""
        return np.asarray(self._G @ self._monomials(x, self.order - 1))

    def contracted_twice(self, x: FloatArray) -> FloatArray:
        """T x^{l−2}, shape (k, d, d): the Hessian of p over l (l − 1)."""
        return (self._H @ self._monomials(x, self.order - 2)).T.reshape(-1, self.d, self.d)

    def value(self, x: FloatArray) -> FloatArray:
        """p(x), shape (k,)."""
        return np.asarray(np.sum(x * self.contracted(x), axis=0))

    def climb(self, x: FloatArray, sign: float) -> FloatArray:
        """Power iteration x ← normalised(sign · T x^{l−1} + shift · x), where sign · p rises."""
        for iteration in range(_ITERATIONS):
            step = sign * self.contracted(x)
            # So much shift makes the function convex where x stands: no short step lowers it.
            least = np.linalg.eigvalsh(sign * self.contracted_twice(x))[:, 0]
            shift = np.maximum(0.0, -(self.order - 1) * least)
            scale = np.linalg.norm(step, axis=0)
            new = step + (shift + POWER_SHIFT * scale) * x
            norm = np.linalg.norm(new, axis=0)
            new = np.where(norm > 0, new / np.where(norm > 0, norm, 1), x)
            change = float(np.abs(new - x).max())
            x = new
            if change < POWER_ITERATION:
                break
            if iteration == _BEFORE_THE_CUT:  # go on with the few highest only
                x = x[:, np.argsort(sign * self.value(x))[-_FINALISTS:]]
        return x

    def polish(self, x: FloatArray) -> FloatArray:
        """Newton steps on the sphere: solve T x^{l−1} = λ x to rounding, as long as that helps."""

        def error(x: FloatArray) -> tuple[float, FloatArray]:
            step = self.contracted(x[:, None])[:, 0]
            miss = step - (x @ step) * x
            return float(np.linalg.norm(miss)), miss

        size, miss = error(x)
        for _ in range(10):
            curvature = (self.order - 1) * self.contracted_twice(x[:, None])[0]
            value = float(x @ self.contracted(x[:, None])[:, 0])
            tangent = np.eye(self.d) - np.outer(x, x)
            matrix = tangent @ curvature @ tangent - value * np.eye(self.d)
            new = x - tangent @ np.linalg.lstsq(matrix, miss, rcond=LAST_DIGIT)[0]
            new /= np.linalg.norm(new)
            new_size, new_miss = error(new)
            # A Newton step that jumps has left for another stationary point.
            if not new_size < size or abs(new @ x) < 0.9:
                break
            x, size, miss = new, new_size, new_miss
        return x
