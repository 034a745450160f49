import math
import subprocess
import sys
import threading

import numpy as np
import pytest
import tensorly as tl
from threadpoolctl import threadpool_info, threadpool_limits

from lift_compare import sensing
from lift_compare.lifting import (
    LiftedProblem,
    RankOneProjection,
    SpanProjection,
    least_curvature,
    projected_gradient_descent,
)
from lift_compare.lifting.backends import inner_product, load, threads_for, using
from lift_compare.lifting.forms.choice import FORMS


def rank_one(r):
    rng = np.random.default_rng(0)
    operator = sensing.RankOneOperator(rng.standard_normal((4, 3)))
    return sensing.SensingProblem.from_ground_truth(operator, rng.standard_normal((3, r)))


CASES = {
    "gaussian r=2": (sensing.gaussian(2, 2, 2, seed=2), 3),
    "completion": (sensing.perturbed_completion(3), 3),
    "rank one r=1": (rank_one(1), 3),
    "rank one r=2": (rank_one(2), 3),
    "order one": (sensing.two_by_two(), 1),
}
PAIRS = [
    (name, form)
    for name, case in CASES.items()
    for form, kind in FORMS.items()
    if kind.unfit(*case) is None
]


@pytest.fixture(params=["pytorch", "jax"])
def backend(request):
    pytest.importorskip({"pytorch": "torch", "jax": "jax"}[request.param])
    before = tl.get_backend(), tl.backend._backend.backend_name
    yield request.param
    assert (tl.get_backend(), tl.backend._backend.backend_name) == before


def close(got, want):
    np.testing.assert_allclose(np.asarray(got), want, rtol=0, atol=1e-10 * np.abs(want).max())


@pytest.mark.parametrize(("name", "form"), PAIRS)
def test_backends_agree(backend, name, form):
    problem, order = CASES[name]
    here = LiftedProblem(problem, order, form=form)
    there = LiftedProblem(problem, order, form=form, backend=backend, device="cpu")
    rng = np.random.default_rng(1)
    X, Y = rng.standard_normal((2, *problem.shape))
    w = there.lift(X)
    close(w, here.lift(X))
    assert type(w) is type(there.gradient(w))
    assert "float64" in str(there.gradient(w).dtype)
    symmetric = here.lift(X) + 0.3 * here.lift(Y)
    for tensor, direction in (
        (symmetric, here.lift(Y)),
        (rng.standard_normal(here.shape), symmetric),
    ):
        value, gradient = there.value_and_gradient(tensor)
        assert value == pytest.approx(here.value(tensor), rel=1e-10)
        close(gradient, here.gradient(tensor))
        close(there.hessian_product(tensor, direction), here.hessian_product(tensor, direction))


def test_descent_curvature_and_projections_run_there(backend):
    problem, order = sensing.two_by_two(), 3
    here, there = LiftedProblem(problem, order), LiftedProblem(problem, order, backend=backend)
    generators = [[[0.0], [0.7]], [[1.0], [0.1]]]
    runs = []
    for lifted in (here, there):
        tensors = [lifted.lift(X) for X in generators]
        start = lifted.tensor("start", np.asarray(tensors[0]) + 0.1 * np.asarray(tensors[1]))
        runs.append(
            projected_gradient_descent(
                lifted, start, step_size=0.01, iterations=20, projection=SpanProjection(tensors)
            )
        )
        curvature = least_curvature(lifted, start)
        assert curvature.value == pytest.approx(
            least_curvature(here, np.asarray(start)).value, rel=1e-10
        )
        rank_one_tensor = RankOneProjection()(start)
        assert type(rank_one_tensor) is type(start)
        close(rank_one_tensor, RankOneProjection()(np.asarray(start)))
    close(runs[1].tensor, runs[0].tensor)
    close(runs[1].values, runs[0].values)
    close(runs[1].coefficients, runs[0].coefficients)


def test_jax_keeps_the_sessions_number_size():
    jax = pytest.importorskip("jax")
    before = jax.config.read("jax_enable_x64")
    lifted = LiftedProblem(sensing.two_by_two(), 3, backend="jax")
    assert str(lifted.gradient(lifted.lift([[1.0], [2.0]])).dtype) == "float64"
    assert jax.config.read("jax_enable_x64") == before


def test_other_threads_keep_their_backend():
    pytest.importorskip("torch")
    load("pytorch")
    seen = []

    def other():
        seen.append(tl.get_backend())

    with using("pytorch"):
        assert tl.get_backend() == "pytorch"
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert tl.get_backend() == "numpy"
    assert seen == ["numpy"]


def test_the_backend_is_put_back_after_an_error():
    pytest.importorskip("torch")
    load("pytorch")
    with pytest.raises(RuntimeError), using("pytorch"):
        raise RuntimeError
    assert tl.get_backend() == "numpy"


@pytest.mark.parametrize(("backend", "package"), [("pytorch", "torch"), ("jax", "jax")])
def test_a_missing_package_is_named(backend, package):
    code = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from lift_compare import lifting, sensing\n"
        f"try:\n    lifting.LiftedProblem(sensing.two_by_two(), 3, backend={backend!r})\n"
        "except ImportError as error:\n    print(error)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert f"needs the package {package}: pip install 'lift-compare[{package}]'" in shown


def threads() -> set[int]:
    """Return the thread counts of the BLAS libraries that can have threads.

    The one that scs brings, which cvxpy loads, is built without: it reports one thread always.
    """
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    return {pool["num_threads"] for pool in pools if pool.get("threading_layer") != "disabled"}


@pytest.mark.parametrize("multiplications", [1e2, 1e6, 1e12])
def test_only_products_of_a_middling_size_are_made_in_one_thread(multiplications: float) -> None:
    with threadpool_limits(2, user_api="blas"):  # also where the session has one thread
        with threads_for("numpy", multiplications):
            assert threads() == ({1} if multiplications == 1e6 else {2})
        assert threads() == {2}
        with threads_for("pytorch", multiplications):
            assert threads() == {2}


def test_long_inner_products_are_accurate() -> None:
    """Parts of 8192 terms are added first: the error is some hundred roundings at most, where one
    million equal terms added one after the other lose thousands."""
    x = np.full(2**20, 0.1)
    exact = math.fsum((x * x).tolist())
    assert inner_product(x, x) == pytest.approx(exact, rel=512 * 2**-53, abs=0)
