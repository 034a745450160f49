import numpy as np
import pytest
from scipy import sparse

from lift_compare import sensing
from lift_compare.lifting import LiftedProblem
from lift_compare.lifting.forms.choice import FORMS


def _rank_one(n, m, r, seed):
    rng = np.random.default_rng(seed)
    operator = sensing.RankOneOperator(rng.standard_normal((m, n)) / np.sqrt(m))
    return sensing.SensingProblem.from_ground_truth(operator, rng.standard_normal((n, r)))


def _entrywise(n, r, seed, density=1.0):
    rng = np.random.default_rng(seed)
    weights = rng.standard_normal((n, n)) * (
        rng.random((n, n)) < density
    )  # signs, zeros, not symmetric
    return sensing.SensingProblem.from_ground_truth(
        sensing.EntrywiseOperator(weights), rng.standard_normal((n, r))
    )


def _sparse(n, seed):
    weights = sparse.random_array(
        (n, n), density=0.6, random_state=np.random.default_rng(seed), format="csr"
    )
    return sensing.SensingProblem.from_ground_truth(
        sensing.EntrywiseOperator(weights), np.ones((n, 1))
    )


def _noisy(n, m, seed):
    """More measurements than dimensions, and b is not in the range of A."""
    operator = sensing.gaussian(n, 1, m, seed=seed).operator
    return sensing.SensingProblem(operator, np.random.default_rng(seed).standard_normal(m), 1)


SMALL = {
    "two-by-two": (sensing.two_by_two(), 3),
    "completion n=3": (sensing.perturbed_completion(3), 3),
    "real system l=1": (sensing.real_system(), 1),
    "gaussian n=3 m=2 r=1": (sensing.gaussian(3, 1, 2, seed=1), 3),
    "gaussian n=3 m=4 r=2": (sensing.gaussian(3, 2, 4, seed=2), 3),
    "gaussian n=2 m=2 r=2 l=5": (sensing.gaussian(2, 2, 2, seed=3), 5),
    "gaussian n=3 m=7 r=3": (sensing.gaussian(3, 3, 7, seed=4), 1),
    "gaussian n=2 m=5 r=1 (m > dimensions)": (sensing.gaussian(2, 1, 5, seed=5), 3),
    "noisy n=2 m=5 r=1": (_noisy(2, 5, seed=13), 3),
    "entrywise n=3 r=2": (_entrywise(3, 2, seed=6), 3),
    "entrywise n=2 r=1 l=5": (_entrywise(2, 1, seed=7), 5),
    "entrywise with holes": (_entrywise(3, 1, seed=8, density=0.6), 3),
    "entrywise, sparse weights": (_sparse(3, seed=12), 3),
    "rank one n=3 m=4": (_rank_one(3, 4, 1, seed=9), 3),
    "rank one n=2 m=3 r=2": (_rank_one(2, 3, 2, seed=10), 3),
    "n=1": (sensing.gaussian(1, 1, 2, seed=11), 3),
}  # fmt: skip


PAIRS = [
    (name, form)
    for name, (problem, order) in SMALL.items()
    for form in ("auto", *FORMS)
    if form == "auto" or FORMS[form].unfit(problem, order) is None
]


@pytest.fixture(params=PAIRS, ids=" ".join)
def lifted(request):
    """A lifted problem whose operator fits into an explicit array, in every form that applies to
    it."""
    name, form = request.param
    return LiftedProblem(*SMALL[name], form=form)


@pytest.fixture(params=SMALL)
def small(request):
    """A problem and an order whose lifted operator fits into an explicit array."""
    return SMALL[request.param]
