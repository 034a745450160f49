"""Every fact of every instance of the catalogue, computed another way."""

from __future__ import annotations

import inspect
import sys

import numpy as np
import pytest

from lift_compare import sensing, simulated
from lift_compare.sensing import SensingProblem
from lift_compare.sensing.instances.iris import accuracy, iris_problems
from lift_compare.sensing.rip import rip_bracket
from tests.catalogue import PUBLISHED_NUMBERS

SMALL = {"n": 5, "m": 7}  # for parameters without a default

NAMES = [
    *(entry.name for entry in sensing.catalogue()),
    *(
        f"sharp-delta:delta={d},theta={theta},n={n}"
        for d, theta, n in (
            (0.5, 1.5707963267948966, 2),
            (0.6, 1.2, 4),
            (0.9, 2.5, 3),
            (0.55, 0.4, 3),
        )
    ),
    *(
        f"rip-dial:rank={r},delta={d},n={n}"
        for r, d, n in (
            (1, 0.6, 2),
            (1, 0.9, 4),
            (2, 0.5, 4),
            (2, 0.58, 3),
            (3, 0.7, 5),
            (4, 0.95, 6),
        )
    ),
    *(
        f"two-clusters:k={k},epsilon={e}"
        for k, e in ((1, 0.3), (3, 0.5), (3, 0.6), (4, 0.2), (2, 0.97))
    ),
    *(f"path-completion:t={t}" for t in (0.05, 0.1, 0.5, 0.9, 1.0, 1.2, 3.0)),
    *(
        f"twisted-states:n={n},q={q},epsilon={e}"
        for n in range(4, 13)
        for q in (1, 2)
        for e in (0.1, 0.6)
    ),
    *(
        "twisted-states:n=7,q=3",
        "twisted-states:n=9,q=3,epsilon=0.1",
        "twisted-states:n=8,q=2,epsilon=1.5",
    ),
    *(f"block-ring:epsilon={e}" for e in (0.1, 0.2)),
    *("block-completion:rank=1", "block-completion:rank=3,n=4,epsilon=0.2"),
    *(f"sign-synchronisation:graph={g},n=6,seed=2" for g in ("path", "star", "complete", "random")),
    *("power-system:without=Q2", "power-system:without=Q3,seed=6", "power-system:without=P1"),
    *("least-delta:angle=60,length=0.6", "least-delta:angle=89,length=0.3"),
    *(f"perturbed-completion:n=6,epsilon={e}" for e in (0.2, 1.7)),
    *("block-ring:epsilon=1.6", "sign-synchronisation:graph=complete,epsilon=2.0"),
]


def built(name: str) -> sensing.Instance:
    kind, _, given = name.partition(":")
    build = next(entry for entry in sensing.catalogue() if entry.name == kind)
    needed = {
        key: SMALL[key]
        for key, default in build.parameters.items()
        if default is inspect.Parameter.empty and f"{key}=" not in given
    }
    return sensing.instance(kind, **needed) if needed else sensing.parse_instance(name)


def hessian(problem: SensingProblem, X: np.ndarray) -> np.ndarray:
    """By central differences of the gradient, which is a cubic: exact but for rounding."""
    columns = []
    for D in np.eye(X.size).reshape(-1, *X.shape):

        def slope(t: float, D: np.ndarray = D) -> np.ndarray:
            return (problem.gradient(X + t * D) - problem.gradient(X - t * D)) / (2 * t)

        columns.append((4 * slope(0.5) - slope(1.0)).ravel() / 3)
    return np.array(columns)


@pytest.mark.parametrize("name", NAMES)
def test_every_fact_holds(name: str) -> None:
    instance = built(name)
    problem, facts = instance.problem, dict(instance.facts)
    assert instance.source
    assert sensing.parse_instance(instance.name).name == instance.name
    if problem.ground_truth is not None:
        Z = problem.ground_truth  # may have fewer columns than the rank
        np.testing.assert_array_equal(problem.operator.measure(Z, Z), problem.measurements)
    if instance.known_point is not None and instance.name != "real-system":  # four digits
        assert sensing.relative_gradient_norm(problem, instance.known_point) < 1e-13
    n, r = problem.shape
    if (known := facts.pop("rip_constant", None)) is not None:
        found = rip_bracket(problem.operator, min(2 * r, n), seed=0)
        assert found.lower == pytest.approx(known, abs=1e-6)  # at an M that L-BFGS found
        assert known <= found.upper + 1e-13
    if not facts:
        return
    printed = instance.name == "iris"
    X = instance.point if printed else instance.stationary_point()
    assert printed or sensing.relative_gradient_norm(problem, X) < 1e-12
    if (known := facts.pop("objective", None)) is not None:
        assert problem.objective(X) == pytest.approx(known, abs=5e-9 if printed else 1e-13 * known)
    A = problem.operator.matrices()
    G = np.einsum("i,ijk->jk", np.einsum("ijk,jk->i", A, X @ X.T) - problem.measurements, A)
    if (known := facts.pop("eigenvalue", None)) is not None:
        tolerance = 5e-9 if printed else 1e-12 * np.abs(G).sum()
        assert np.linalg.eigvalsh(G)[0] == pytest.approx(known, abs=tolerance)
    if (known := facts.pop("kind", None)) is not None:
        values = np.linalg.eigvalsh(hessian(problem, X))
        # A printed point is one where descent was stopped, before the curvature along the valley
        # has become zero.
        zero = 1e-4 if printed else 1e-9 * np.abs(values).max()
        zeros = np.count_nonzero(np.abs(values) <= zero)
        expected = "saddle" if values[0] < -zero else "degenerate"
        if values[0] >= -zero and zeros == r * (r - 1) // 2:
            expected = "minimum"
        assert known == expected
    if "saddle_order" in facts:
        known = facts.pop("saddle_order")
        assert simulated.smallest_saddle_order(problem, X, largest=1001) == known
    if "oracle_order" in facts:
        found = simulated.saddle_order(problem, X)
        assert found.order == facts.pop("oracle_order")
        assert found.certified_below == found.order  # proved: no smaller one does
    assert not facts, "a fact that nothing checks"


def test_powers_and_magnitudes_are_those_of_the_network() -> None:
    rng = np.random.default_rng(3)
    k = 4
    Y = rng.standard_normal((k, k)) + 1j * rng.standard_normal((k, k))  # of any network
    v = rng.standard_normal(k) + 1j * rng.standard_normal(k)
    problem = sensing.power_system(Y, v)
    power = v * (Y @ v).conj()
    expected = np.concatenate([power.real, power.imag, np.abs(v) ** 2])
    A = problem.operator.matrices()
    np.testing.assert_allclose(np.linalg.norm(A, axis=(1, 2)), 1, rtol=1e-14)
    scale = problem.measurements / expected  # 1/‖A_i‖_F before the division
    assert np.all(scale > 0)
    x = rng.standard_normal((2 * k, 1))
    w = (x[:k] + 1j * x[k:])[:, 0]
    power = w * (Y @ w).conj()
    of_w = np.concatenate([power.real, power.imag, np.abs(w) ** 2])
    np.testing.assert_allclose(problem.operator.measure(x, x), scale * of_w, rtol=1e-12)
    turned = v * np.exp(0.7j)
    assert problem.is_solved(np.concatenate([turned.real, turned.imag])[:, None])
    some = sensing.power_system(Y, v, measured=["V2", "P4"])
    np.testing.assert_allclose(some.measurements, problem.measurements[[9, 3]], rtol=1e-15)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sensing.power_system(np.eye(2), [1.0]), r"admittance: expected shape \(1, 1\)"),
        (lambda: sensing.power_system(np.eye(2), [1.0, np.nan]), "voltages: expected finite"),
        (
            lambda: sensing.power_system(np.eye(2), [1.0, 2.0], ["P3"]),
            "measured: expected some of P1",
        ),
        (lambda: sensing.power_system(np.eye(2), [1.0, 2.0], []), "measured: expected some"),
        (lambda: sensing.power_system(np.ones(2), [1.0, 2.0]), "admittance: expected 2 dimensions"),
        (lambda: sensing.sign_synchronisation(np.eye(2), [1, 1], 0.1), "adjacency: .* zeros"),
        (lambda: sensing.sign_synchronisation([[0, 1], [0, 0]], [1, 1], 0.1), "symmetric"),
        (lambda: sensing.sign_synchronisation([[0, 1], [1, 0]], [1, 2], 0.1), "signs: expected 1"),
        (lambda: sensing.asymmetric(np.ones((2, 3, 2)), np.ones((2, 1)), np.ones((2, 1))), "U"),
        (lambda: sensing.asymmetric(np.ones((2, 3, 2)), np.ones((3, 1)), np.ones((2, 2))), "V"),
        (lambda: sensing.least_delta([[1.0], [0.0]], [[-1.0], [0.0]]), "x: expected a point with"),
        (
            lambda: sensing.least_delta([[1e-9], [0.0]], [[1.0], [0.0]]),
            "x: no RIP constant",
        ),
        (lambda: sensing.instance("sharp-delta", delta=0.4), "delta: expected a number from 0.5"),
        (lambda: sensing.instance("sharp-delta", delta=1.0), "delta: expected a number below 1"),
        (lambda: sensing.instance("sharp-delta", theta=3.2), "theta: expected an angle below π"),
        (lambda: sensing.instance("rip-dial", rank=2, n=2), "n: expected more than the rank"),
        (lambda: sensing.instance("two-clusters", epsilon=1.0), "epsilon: expected a weight below"),
        (lambda: sensing.instance("twisted-states", n=4, q=3), "q: expected at most n/2"),
        (lambda: sensing.instance("twisted-states", n=4, q=2, epsilon=1.0), "epsilon: no state"),
        (lambda: sensing.instance("sign-synchronisation", graph="wheel"), "graph: expected cycle"),
        (
            lambda: sensing.instance("block-completion", epsilon=1e300),
            "epsilon: expected",
        ),
        (
            lambda: sensing.instance("path-completion", t=1e200),
            "t: expected",
        ),
        (
            lambda: sensing.instance("twisted-states", epsilon=1e151),
            "epsilon: expected",
        ),
        (
            lambda: sensing.instance("perturbed-completion", epsilon=1e200),
            "epsilon: expected",
        ),
        (lambda: sensing.instance("power-system", without="Q4"), "without: expected one of P1"),
        (lambda: sensing.instance("asymmetric", rank=4), "rank: expected at most min"),
        (lambda: sensing.instance("least-delta", angle=100.0), "angle: expected at most 90"),
    ],
)
def test_bad_parameters_are_refused_by_name(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_voltages_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(TypeError, match="voltages: expected complex numbers"):
        sensing.power_system(np.eye(1), ["a"])
    with pytest.raises(TypeError, match="admittance: expected an array"):
        sensing.power_system([[1.0], [1.0, 2.0]], [1.0])


def test_sign_synchronisation_sums_over_edges_both_ways() -> None:
    adjacency = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]])
    signs, x = np.array([1.0, -1.0, -1.0]), np.array([0.3, 0.8, -1.2])
    problem = sensing.sign_synchronisation(adjacency, signs, 0.4)
    edges = sum((x[i] * x[j] - signs[i] * signs[j]) ** 2 for i, j in ((0, 1), (1, 2)))
    expected = 0.5 * np.sum((x**2 - 1) ** 2) + 0.4**2 * edges
    assert problem.objective(x[:, None]) == pytest.approx(expected, rel=1e-14)


def test_the_asymmetric_problem_measures_the_product_of_the_factors() -> None:
    rng = np.random.default_rng(1)
    B = rng.standard_normal((6, 4, 3))
    U, V = rng.standard_normal((4, 2)), rng.standard_normal((3, 2))
    problem = sensing.asymmetric(B, U, V)
    np.testing.assert_allclose(problem.measurements, np.einsum("iab,ab->i", B, U @ V.T), rtol=1e-12)
    M = rng.standard_normal((2, 2))
    assert problem.is_solved(np.concatenate([U @ M, V @ np.linalg.inv(M).T]))


def test_least_delta_gives_the_published_pair_one_half_and_lower_bounds_others() -> None:
    """Any operator under which x is second-order stationary has a larger δ: sharp-delta does."""
    for delta, theta in ((0.5, np.pi / 2), (0.6, 1.2), (0.8, 1.9)):
        sharp = sensing.instance("sharp-delta", delta=delta, theta=theta)
        assert sharp.known_point is not None
        problem = sensing.least_delta(sharp.known_point, sharp.problem.ground_truth)
        A = problem.operator.matrices()
        least = np.abs(np.sum(A**2, axis=(1, 2)) - 1).max()
        assert sensing.relative_gradient_norm(problem, sharp.known_point) < 1e-14
        values = np.linalg.eigvalsh(hessian(problem, sharp.known_point))
        assert values[0] > -1e-7
        assert least <= delta + 1e-7
        if delta == 0.5:
            assert least == pytest.approx(0.5, abs=1e-7)


def test_iris_gives_the_printed_losses_and_accuracies() -> None:
    """The right answers are counted one sample after the other."""
    train, test = iris_problems()
    instance = sensing.instance("iris")
    printed = PUBLISHED_NUMBERS["quadratic_network_iris"]["printed"]
    U = instance.descent.run(instance.problem).point
    assert train.objective(U) == pytest.approx(printed["gd_sod"]["loss_before"], abs=5e-9)
    assert (train.m, test.m) == (50, 50)
    for problem in (train, test):
        x, y = problem.operator.vectors * problem.m**0.25, problem.measurements * problem.m**0.5
        right = sum(
            (sum((U[:, j] @ sample) ** 2 for j in range(2)) > 0.5) == (target > 0.5)
            for sample, target in zip(x, y, strict=True)
        )
        assert accuracy(problem, U) == right / problem.m


def test_one_half_itself_is_not_put_into_the_second_class() -> None:
    problem = sensing.quadratic_network([[1.0, 1.0]], [1.0], 2)
    assert accuracy(problem, np.diag([0.5, 0.5])) == 0.0
    assert accuracy(problem, np.diag([0.5, 0.75])) == 1.0


def test_iris_has_the_printed_facts_and_the_published_number_of_iterations() -> None:
    published = PUBLISHED_NUMBERS["quadratic_network_iris"]
    printed, instance = published["printed"]["gd_sod"], sensing.instance("iris")
    assert instance.facts == {
        "objective": printed["loss_before"],
        "eigenvalue": printed["lambda_n"],
        "kind": "saddle",
    }
    assert instance.descent.before == printed["event_iteration"] + 1
    search = 1  # is an iteration of its own
    total = instance.descent.before + search + instance.descent.after
    assert total == published["settings"]["iterations"]


@pytest.mark.parametrize(
    ("name", "module", "package", "extra"),
    [("iris", "sklearn.datasets", "sklearn", "iris"), ("least-delta", "cvxpy", "cvxpy", "sdp")],
)
def test_an_instance_without_its_package_says_which_extra_brings_it(
    monkeypatch, name: str, module: str, package: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    words = rf"it needs {package}, .* pip install 'lift-compare\[{extra}\]'"
    with pytest.raises(ValueError, match=words):
        sensing.instance(name)


@pytest.mark.parametrize("name", ["two-clusters", "rip-dial", "power-system", "iris"])
def test_a_saved_instance_of_the_catalogue_comes_back(name: str, tmp_path) -> None:
    instance = sensing.instance(name)
    sensing.save_instance(tmp_path / "it.npz", instance)
    back = sensing.load_instance(tmp_path / "it.npz")
    np.testing.assert_array_equal(back.point, instance.point)
    np.testing.assert_array_equal(back.problem.measurements, instance.problem.measurements)
