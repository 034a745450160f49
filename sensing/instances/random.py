"""Families of random instances: any size, reproducible from a seed."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from ..operators import DenseOperator, EntrywiseOperator, RankOneOperator
from ..problem import SensingProblem
from ..validation import (
    FloatArray,
    InvalidValue,
    positive,
    random_generator,
    refuse_absurd,
    whole_number,
)
from .definition import DescentSettings, Instance
from .known import instance_name
from .published import perturbed_completion

_DRAWN = "drawn here, from the seed"
_YALCIN = "Yalcin et al., arXiv 2110.10279"
_ROW_ENTRIES = 10  # stored weights a row of sparse completion


def gaussian(n: int, rank: int, m: int, seed: int | np.random.Generator) -> SensingProblem:
    """Return a random dense problem with E‖A(M)‖² = ‖M‖_F² for symmetric M.

    A_i is the symmetric part of a matrix of independent N(0, 1/m) entries; Z has independent
    N(0, 1/n) entries.

    Parameters
    ----------
    n, rank, m : int
        Side, rank (at most n) and number of measurements.
    seed : int or numpy.random.Generator
        Source of the randomness.

    Returns
    -------
    SensingProblem

    Raises
    ------
    TypeError, ValueError
        For sizes that are not whole numbers from 1 on, or a rank above n.

    Examples
    --------
    >>> from lift_compare import sensing
    >>> sensing.gaussian(n=5, rank=2, m=14, seed=0)
    SensingProblem(DenseOperator(n=5, m=14), rank=2, ground truth of shape (5, 2))
    """
    n, rank, m = *_sizes(n, rank), whole_number("m", m)
    rng = random_generator(seed)
    refuse_absurd(m, n, n)
    B = rng.standard_normal((m, n, n)) / np.sqrt(m)
    Z = rng.standard_normal((n, rank)) / np.sqrt(n)
    return SensingProblem.from_ground_truth(DenseOperator((B + B.transpose(0, 2, 1)) / 2), Z)


def gaussian_instance(n: int, m: int, rank: int = 1, seed: int = 0) -> Instance:
    """Return a Gaussian problem, with the point where descent from a random start ends."""
    seed = whole_number("seed", seed, least=0)
    problem = gaussian(n, rank, m, seed)
    n, rank, m = problem.n, problem.rank, problem.m
    # The seed gives the matrices; a stream of its own keeps the start independent of them.
    descent = DescentSettings(
        np.zeros((n, rank)), spread=0.5, seed=(seed, 1), step_size=0.05, before=2000, after=2000
    )
    return Instance(
        f"gaussian:n={n},m={m},rank={rank},seed={seed}", problem, descent=descent, source=_DRAWN
    )


def rank_one_instance(n: int, m: int, rank: int = 1, seed: int = 0) -> Instance:
    """Return a phase retrieval problem, A_i = a_i a_iᵀ with normal a_i."""
    n, rank, m = *_sizes(n, rank), whole_number("m", m)
    seed = whole_number("seed", seed, least=0)
    rng = np.random.default_rng(seed)
    refuse_absurd(m, n)
    operator = RankOneOperator(rng.standard_normal((m, n)) / m**0.25)
    problem = SensingProblem.from_ground_truth(operator, _normal_truth(n, rank, rng))
    return Instance(f"rank-one:n={n},m={m},rank={rank},seed={seed}", problem, source=_DRAWN)


def completion_instance(n: int, epsilon: float = 0.3, rank: int = 1, seed: int = 0) -> Instance:
    """Return the operator of perturbed completion with a normal ground truth of any rank."""
    n, rank = _sizes(n, rank)
    epsilon, seed = positive("epsilon", epsilon), whole_number("seed", seed, least=0)
    operator = perturbed_completion(n, epsilon).operator
    truth = _normal_truth(n, rank, np.random.default_rng(seed))
    problem = SensingProblem.from_ground_truth(operator, truth)
    name = instance_name("completion", n=n, epsilon=epsilon, rank=rank, seed=seed)
    return Instance(name, problem, source=f"operator: {_YALCIN}; the truth is drawn here")


def sparse_completion_instance(n: int, rank: int = 1, seed: int = 0) -> Instance:
    """Return matrix completion with about ten observed entries a row, stored sparsely."""
    n, rank = _sizes(n, rank)
    seed = whole_number("seed", seed, least=0)
    rng = np.random.default_rng(seed)
    refuse_absurd(n, _ROW_ENTRIES)
    each = min(_ROW_ENTRIES, n)
    columns = rng.integers(n, size=n * each)
    weights = rng.uniform(0.5, 1.0, size=n * each)
    stored = sparse.csr_array((weights, columns, np.arange(n + 1) * each), (n, n))
    problem = SensingProblem.from_ground_truth(
        EntrywiseOperator(stored), _normal_truth(n, rank, rng)
    )
    return Instance(f"sparse-completion:n={n},rank={rank},seed={seed}", problem, source=_DRAWN)


def _sizes(n: int, rank: int) -> tuple[int, int]:
    n, rank = whole_number("n", n), whole_number("rank", rank)
    if rank > n:
        raise InvalidValue(f"rank: expected at most n = {n}, got {rank}")
    return n, rank


def _normal_truth(n: int, rank: int, rng: np.random.Generator) -> FloatArray:
    return np.asarray(rng.standard_normal((n, rank)) / np.sqrt(n))
