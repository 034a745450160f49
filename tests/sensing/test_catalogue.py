"""Every fact of every instance of the catalogue, computed another way."""

from __future__ import annotations

import inspect
import os
import sys
from contextlib import suppress

import numpy as np
import pytest

from lift_compare import sensing, simulated
from lift_compare.sensing import SensingProblem
from lift_compare.sensing.instances.iris import accuracy, iris_problems
from lift_compare.sensing.instances.known import saddle_order_of
from lift_compare.sensing.instances.least_delta import _made_stationary
from lift_compare.sensing.instances.power_system import _LINES, _VOLTAGES
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
            (4, 0.995, 5),
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
        "twisted-states:n=4,q=2,epsilon=0.6",  # ∇²h has two negative numbers of one frequency
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
def test_the_point_of_an_instance_and_the_facts_of_it_hold(name: str) -> None:
    instance = built(name)
    problem, facts = instance.problem, instance.facts
    assert instance.source
    assert sensing.parse_instance(instance.name).name == instance.name
    if problem.ground_truth is not None:
        Z = problem.ground_truth  # may have fewer columns than the rank
        np.testing.assert_array_equal(problem.operator.measure(Z, Z), problem.measurements)
    if instance.known_point is not None and instance.name != "real-system":  # four digits
        assert sensing.relative_gradient_norm(problem, instance.known_point) < 1e-13
    if not {"objective", "eigenvalue", "kind"} & set(facts):
        return
    printed = instance.name == "iris"
    X = instance.point if printed else instance.stationary_point()
    assert printed or sensing.relative_gradient_norm(problem, X) < 1e-12
    if (known := facts.get("objective")) is not None:
        assert problem.objective(X) == pytest.approx(known, abs=5e-9 if printed else 1e-13 * known)
    A = problem.operator.matrices()
    G = np.einsum("i,ijk->jk", np.einsum("ijk,jk->i", A, X @ X.T) - problem.measurements, A)
    if (known := facts.get("eigenvalue")) is not None:
        tolerance = 5e-9 if printed else 1e-12 * np.abs(G).sum()
        assert np.linalg.eigvalsh(G)[0] == pytest.approx(known, abs=tolerance)
    if (known := facts.get("kind")) is not None:
        values = np.linalg.eigvalsh(hessian(problem, X))
        # A printed point is one where descent was stopped, before the curvature along the valley
        # has become zero.
        zero = 1e-4 if printed else 1e-9 * np.abs(values).max()
        zeros = np.count_nonzero(np.abs(values) <= zero)
        r = problem.rank
        expected = "saddle" if values[0] < -zero else "degenerate"
        if values[0] >= -zero and zeros == r * (r - 1) // 2:
            expected = "minimum"
        assert known == expected


@pytest.mark.parametrize("name", NAMES)
def test_the_rip_constants_and_saddle_orders_hold(name: str) -> None:
    instance = built(name)
    problem, facts = instance.problem, instance.facts
    n, r = problem.shape
    if (known := facts.get("rip_constant")) is not None:
        found = rip_bracket(problem.operator, min(2 * r, n), seed=0)
        assert found.lower == pytest.approx(known, abs=1e-6)  # at an M that L-BFGS found
        assert known <= found.upper + 1e-13
    orders = {"saddle_order", "oracle_order"} & set(facts)
    X = instance.stationary_point() if orders else None
    if "saddle_order" in orders:
        found = simulated.smallest_saddle_order(problem, X, largest=1001)
        assert found == facts["saddle_order"]
    if "oracle_order" in orders:
        found = simulated.saddle_order(problem, X)
        assert found.order == facts["oracle_order"]
        assert found.certified_below == found.order  # proved: no smaller one does
    checked = {"objective", "eigenvalue", "kind", "rip_constant", *orders}
    assert set(facts) <= checked, "a fact that nothing checks"


DECLARED = {
    "sharp-delta": f"delta=0.75,theta={np.pi / 2},n=2",
    "rip-dial": "rank=2,delta=0.9,n=3",
    "least-delta": f"angle=90.0,length={0.5**0.5}",
    "two-clusters": "k=5,epsilon=0.1",
    "path-completion": "t=0.3",
    "block-ring": "epsilon=0.3",
    "block-completion": "rank=2,n=3,epsilon=0.3",
    "twisted-states": "n=8,q=1,epsilon=0.3",
    "sign-synchronisation": "graph=cycle,n=8,epsilon=0.3,seed=0",
    "power-system": "without=Q1,seed=0",
    "asymmetric": "n1=4,n2=3,m=12,rank=1,seed=0",
}
"""What an instance without parameters has."""

OTHERS = {
    "sharp-delta": "delta=0.6,theta=1.2,n=4",
    "rip-dial": "rank=3,delta=0.7,n=5",
    "least-delta": "angle=60.0,length=0.6",
    "two-clusters": "k=3,epsilon=0.5",
    "path-completion": "t=0.5",
    "block-ring": "epsilon=0.1",
    "block-completion": "rank=3,n=4,epsilon=0.2",
    "twisted-states": "n=9,q=2,epsilon=0.1",
    "sign-synchronisation": "graph=star,n=6,epsilon=0.2,seed=2",
    "power-system": "without=Q3,seed=6",
    "asymmetric": "n1=5,n2=4,m=13,rank=2,seed=3",
}


@pytest.mark.parametrize("kind", DECLARED)
def test_a_name_says_every_parameter_also_those_that_were_not_given(kind: str) -> None:
    assert sensing.instance(kind).name == f"{kind}:{DECLARED[kind]}"
    other = f"{kind}:{OTHERS[kind]}"
    assert sensing.parse_instance(other).name == other


@pytest.mark.parametrize(
    ("name", "closed", "orders"),
    [
        # h, λ_n, δ and the kind, as far as they are known; saddle orders along D and V*
        ("sharp-delta", "hλδk", (3, 3)),
        ("sharp-delta:delta=0.5", "hλδk", (3,)),  # degenerate: no order follows along V*
        ("sharp-delta:delta=0.9,theta=2.5", "hλδk", (None,)),
        ("rip-dial", "hλδk", (3, 3)),
        ("rip-dial:rank=2,delta=0.58", "hλδk", (1,)),
        ("rip-dial:rank=4,delta=0.995", "hλδk", (7,)),  # δ^2l + 2 (δ (1 + δ)/4)^l: 1.01 at l = 5
        ("least-delta", "δ", ()),
        ("two-clusters", "hλδk", (35, 35)),
        ("two-clusters:k=6", "hλδk", (35,)),
        ("two-clusters:epsilon=0.2", "hλδk", (9,)),
        ("two-clusters:epsilon=0.5", "hλδk", (3, 3)),
        ("path-completion", "hλδk", (None, 7)),
        ("path-completion:t=0.9", "hλδk", ()),
        ("block-ring", "δk", (None, 15)),
        ("block-ring:epsilon=0.1", "δ", ()),
        ("block-completion", "δk", (5, 3)),
        ("block-completion:rank=3", "δ", ()),
        ("block-completion:n=4", "δ", ()),
        ("block-completion:epsilon=0.2", "δ", ()),
        ("twisted-states", "hλδk", (7, 3)),
        ("twisted-states:n=9", "hλδk", ()),
        ("twisted-states:q=2", "hλδk", ()),
        ("twisted-states:epsilon=0.2", "hλδk", ()),
        ("sign-synchronisation", "δ", ()),
        ("phase-retrieval", "hλk", (5, 3)),
        ("phase-retrieval-hard", "hλk", (19, 13)),
        ("asymmetric", "", ()),
        ("power-system:seed=1", "", ()),
        ("power-system:without=Q2", "", ()),
    ],
)
def test_what_is_stated_of_an_instance(name: str, closed: str, orders: tuple) -> None:
    """That it is so, the two tests above show: here, that it is said."""
    words = {"h": "objective", "λ": "eigenvalue", "δ": "rip_constant", "k": "kind"}
    facts = dict(sensing.parse_instance(name).facts)
    along = [facts.pop(key) for key in ("saddle_order", "oracle_order") if key in facts]
    assert (set(facts), along) == ({words[letter] for letter in closed}, [*orders])


def test_a_stuck_power_system_has_a_proved_order_along_the_oracle_direction_alone() -> None:
    facts = sensing.instance("power-system").facts
    assert facts == {"kind": "degenerate", "oracle_order": 3}


@pytest.mark.parametrize(
    "name",
    [
        *("two-clusters", "two-clusters:epsilon=0.6", "path-completion", "block-ring"),
        *("block-ring:epsilon=1.6", "block-completion", "block-completion:epsilon=2.0"),
        *("twisted-states", "twisted-states:epsilon=1.5"),
        *(
            f"sign-synchronisation:graph={graph},n={n},epsilon={e}"
            for graph, n in (("complete", 3), ("complete", 4), ("cycle", 3), ("path", 3))
            for e in (0.3, 1.2, 1.5)
        ),
    ],
)
def test_the_rip_constant_of_weights_is_that_of_their_squares(name: str) -> None:
    """‖A(M)‖² = Σ w_ij² M_ij²: the extreme M of rank two are pairs of entries."""
    instance = sensing.parse_instance(name)
    w = instance.problem.operator.weights
    expected = max(abs(float(each) ** 2 - 1) for each in w.ravel())
    assert instance.facts["rip_constant"] == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("block-ring", [[1], [1], [1], [1], [-1], [-1], [-1], [-1]]),
        ("block-completion", [[-1, 0], [0, 1], [0, 0], [0, 0], [1, 0], [0, 1]]),
        ("sign-synchronisation:graph=random,n=6,seed=2", None),
        ("power-system", None),
    ],
)
def test_descent_with_backtracking_ends_at_a_stationary_point(name: str, start) -> None:
    instance = sensing.parse_instance(name)
    assert isinstance(instance.descent.step_size, sensing.Backtracking)
    if start is not None:
        np.testing.assert_array_equal(instance.descent.start(), start)
    assert sensing.relative_gradient_norm(instance.problem, instance.point) < 1e-7


def test_descent_from_a_normal_start_nearly_ends_on_an_asymmetric_problem() -> None:
    instance = sensing.instance("asymmetric")
    X = instance.descent.run(instance.problem, iterations=500).point
    assert sensing.relative_gradient_norm(instance.problem, X) < 1e-3


COMPLETION = {
    # What the weight of entry (i, j) is, and the truth
    "two-clusters:k=3,epsilon=0.25": (
        lambda i, j: 1.0 if (i < 3) == (j < 3) else 0.25,
        np.ones((6, 1)),
    ),
    "path-completion:t=0.25": (
        lambda i, j: 0.0 if {i, j} == {0, 2} else 1.0,
        [[1.0], [0.25], [1.0]],
    ),
    "block-ring:epsilon=0.25": (
        lambda i, j: 1.0 if i // 2 == j // 2 else 0.25 if (i - j) % 8 in (1, 7) else 0.0,
        np.ones((8, 1)),
    ),
    "block-completion:epsilon=0.25": (
        lambda i, j: 0.25 if {i // 2, j // 2} == {0, 2} else 1.0,
        [[1, 0], [0, 1], [0, 0], [0, 0], [1, 0], [0, 1]],
    ),
}


@pytest.mark.parametrize("name", COMPLETION)
def test_the_weights_and_the_truth_of_completion_entry_by_entry(name: str) -> None:
    weight, truth = COMPLETION[name]
    problem = sensing.parse_instance(name).problem
    for i in range(problem.n):
        for j in range(problem.n):
            assert problem.operator.weights[i, j] == weight(i, j)
    np.testing.assert_array_equal(problem.ground_truth, truth)


@pytest.mark.parametrize(
    ("graph", "edges"),
    [
        ("cycle", {(0, 1), (1, 2), (2, 3), (3, 4), (0, 4)}),
        ("path", {(0, 1), (1, 2), (2, 3), (3, 4)}),
        ("star", {(0, 1), (0, 2), (0, 3), (0, 4)}),
        ("complete", {(i, j) for j in range(5) for i in range(j)}),
    ],
)
def test_the_edges_of_a_graph(graph: str, edges: set) -> None:
    problem = sensing.instance("sign-synchronisation", graph=graph, n=5, epsilon=0.25).problem
    for i in range(5):
        for j in range(5):
            weight = 1.0 if i == j else 0.25 if (min(i, j), max(i, j)) in edges else 0.0
            assert problem.operator.weights[i, j] == weight


def test_signs_and_edges_are_drawn_with_probability_one_half() -> None:
    """Within five standard deviations."""
    n = 80
    instance = sensing.instance("sign-synchronisation", graph="random", n=n, seed=3)
    truth, start = instance.problem.ground_truth[:, 0], instance.descent.start()[:, 0]
    for drawn in (truth, start, truth * start):
        assert set(drawn) == {-1.0, 1.0}
        assert abs(drawn.sum()) < 5 * np.sqrt(n)
    edges = instance.problem.operator.weights != 0
    np.testing.assert_array_equal(edges, edges.T)
    for drawn in (edges[np.triu_indices(n, 1)], edges.diagonal(1)):
        assert abs(drawn.sum() - len(drawn) / 2) < 2.5 * np.sqrt(len(drawn))
    other = sensing.instance("sign-synchronisation", graph="random", n=n, seed=4)
    assert not np.array_equal(other.problem.ground_truth, instance.problem.ground_truth)
    assert not np.array_equal(other.problem.operator.weights != 0, edges)


def test_the_largest_saddle_order_that_is_looked_for_is_1001() -> None:
    """2 K₃^l < 1 exactly where l > −1/log₂ K₃."""
    assert saddle_order_of(0.0, 1.0, 0.5 ** (1 / 1000)) == 1001
    assert saddle_order_of(0.0, 1.0, 0.5 ** (1 / 1002)) is None


# Of (n, q): the ε at which ∇²h of a twisted state loses its positive curvature.
TURNING = [
    (4, 1, 1.0),
    (7, 2, 0.41957584090963),
    (8, 2, 0.76536686473018),
    (10, 3, 0.31690782715601),
    (11, 3, 0.48895306305967),
    (12, 3, 0.73205080756887),
]


@pytest.mark.parametrize(("n", "q", "epsilon"), TURNING)
def test_a_twisted_state_turns_from_a_minimum_into_a_saddle(n: int, q: int, epsilon: float) -> None:
    for factor, kind in ((1 - 1e-7, "minimum"), (1 + 1e-7, "saddle")):
        instance = sensing.instance("twisted-states", n=n, q=q, epsilon=factor * epsilon)
        values = np.linalg.eigvalsh(hessian(instance.problem, instance.known_point))
        others = np.delete(values, np.argmin(np.abs(values)))  # the rotation is zero
        assert ("minimum" if others[0] > 0 else "saddle") == kind
        assert instance.facts["kind"] == kind


@pytest.mark.parametrize("epsilon", [1e-9, 1e-4, 1e4, 1e9, 1e150])
def test_the_kind_of_a_twisted_state_holds_for_every_weight(epsilon: float) -> None:
    """All along, a quarter of a turn is a saddle above ε = 1, and an eighth a minimum."""
    quarter, eighth = (
        sensing.instance("twisted-states", n=n, q=1, epsilon=epsilon) for n in (4, 8)
    )
    assert quarter.facts["kind"] == ("minimum" if epsilon < 1 else "saddle")
    assert eighth.facts["kind"] == "minimum"
    # cos φ = 0: the rows have length one, and each of the edges the residual −ε.
    np.testing.assert_allclose(np.linalg.norm(quarter.known_point, axis=1), 1, rtol=1e-15)
    assert quarter.facts["objective"] == pytest.approx(4 * epsilon**2, rel=1e-15)


def test_no_twisted_state_is_zero() -> None:
    """c² falls to zero at ε² = −1/(2 cos φ); at some of the floats nearest to it exactly."""
    for n, q in ((9, 4), (11, 4), (13, 5), (13, 6), (14, 5), (15, 7), (16, 5)):
        epsilon = np.sqrt(-1 / (2 * np.cos(2 * np.pi * q / n)))
        for each in (np.nextafter(epsilon, 0), epsilon, np.nextafter(epsilon, 9)):
            with suppress(sensing.InvalidInput):  # that no state turns q times round
                assert np.any(
                    sensing.instance("twisted-states", n=n, q=q, epsilon=each).known_point
                )


def test_a_ring_of_buses_measures_what_flows_into_its_lines() -> None:
    """Each form by polarisation of what is measured; the current of a line is (v_i − v_j)/z_ij."""

    def measured(x: np.ndarray) -> np.ndarray:
        v = x[:3] + 1j * x[3:]
        current = np.zeros(3, complex)
        for (i, j), impedance in _LINES.items():
            current[i] += (v[i] - v[j]) / impedance
            current[j] += (v[j] - v[i]) / impedance
        flow = v * current.conj()
        return np.concatenate([flow.real, flow.imag, np.abs(v) ** 2])

    names = [f"{kind}{bus}" for kind in "PQV" for bus in (1, 2, 3)]
    problem = sensing.instance("power-system", without="P2").problem
    kept = [k for k, name in enumerate(names) if name != "P2"]
    units = np.eye(6)
    forms = np.array([[(measured(a + b) - measured(a - b)) / 4 for b in units] for a in units])
    A = np.moveaxis(forms, 2, 0)[kept]
    norms = np.linalg.norm(A, axis=(1, 2))
    np.testing.assert_allclose(
        problem.operator.matrices(), A / norms[:, None, None], rtol=0, atol=1e-14
    )
    x = np.concatenate([_VOLTAGES.real, _VOLTAGES.imag])
    np.testing.assert_allclose(problem.measurements, measured(x)[kept] / norms, rtol=1e-11)


def test_descent_on_a_power_system_starts_with_standard_normal_voltages() -> None:
    starts = np.array([sensing.instance("power-system", seed=k).descent.start() for k in range(40)])
    assert np.mean(starts) == pytest.approx(0, abs=5 / np.sqrt(240))
    assert np.var(starts) == pytest.approx(1, abs=5 * np.sqrt(2 / 240))


def test_an_asymmetric_instance_has_the_variances_of_an_isometry() -> None:
    """B_i of N(0, 1/m), U and V of N(0, 1/n): sums of squares within five standard deviations."""
    n1, n2, m, rank = 40, 30, 20, 3
    problem = sensing.instance("asymmetric", n1=n1, n2=n2, m=m, rank=rank).problem
    B = 2 * problem.operator.matrices()[:, :n1, n1:]
    assert np.sum(B**2) == pytest.approx(n1 * n2, abs=5 * n1 * n2 * np.sqrt(2 / (m * n1 * n2)))
    U, V = np.split(problem.ground_truth, [n1])
    for factor, n in ((U, n1), (V, n2)):
        assert np.sum(factor**2) == pytest.approx(rank, abs=5 * np.sqrt(2 * rank / n))


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
        (lambda: sensing.instance("path-completion", t=1e61), "t: expected"),
        (lambda: sensing.instance("sign-synchronisation", n=2), "n: expected .* at least 3"),
        (lambda: sensing.instance("twisted-states", n=3), "n: expected .* at least 4"),
        (lambda: sensing.instance("sharp-delta", n=1), "n: expected .* at least 2"),
        (lambda: sensing.instance("sharp-delta", theta=np.pi), "theta: expected an angle below π"),
        (lambda: sensing.instance("least-delta", angle=90.5), "angle: expected at most 90"),
        (lambda: sensing.instance("power-system", without="Q4"), "without: expected one of P1"),
        (lambda: sensing.instance("asymmetric", rank=4), "rank: expected at most min"),
        (lambda: sensing.instance("least-delta", angle=100.0), "angle: expected at most 90"),
    ],
)
def test_bad_parameters_are_refused_by_name(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_parameters_at_their_limits_are_accepted() -> None:
    assert sensing.instance("sign-synchronisation", n=3).problem.n == 3
    assert sensing.instance("asymmetric", n1=4, n2=3, rank=3).problem.rank == 3
    assert sensing.instance("block-ring", epsilon=1e150).problem.operator.weights.max() == 1e150


@pytest.mark.parametrize(
    ("name", "fits", "beyond"),
    [
        # 125,000 numbers: n² weights, or the entries of n(n + 1)/2 matrices, as n⁴
        ("two-clusters", {"k": 176}, {"k": 177}),
        ("block-completion", {"rank": 88, "n": 4}, {"rank": 89, "n": 4}),
        ("twisted-states", {"n": 353}, {"n": 354}),
        ("sign-synchronisation", {"n": 353}, {"n": 354}),
        ("sharp-delta", {"n": 18}, {"n": 19}),
        ("rip-dial", {"n": 18}, {"n": 19}),
        ("asymmetric", {"n1": 50, "n2": 50}, {"n1": 50, "n2": 53}),  # 12 (n1 + n2)²
    ],
)
def test_what_is_larger_than_the_memory_is_refused(
    name: str, fits: dict, beyond: dict, monkeypatch
) -> None:
    monkeypatch.setattr(os, "sysconf", lambda name: 1000)  # a memory of 1 MB, 125,000 numbers
    sensing.instance(name, **fits)
    with pytest.raises(MemoryError, match="an array of shape"):
        sensing.instance(name, **beyond)


@pytest.mark.parametrize("key", ["n1", "n2", "m"])
def test_an_asymmetric_problem_that_no_machine_holds_is_refused_before_it_is_drawn(key) -> None:
    with pytest.raises(MemoryError, match="an array of shape"):
        sensing.instance("asymmetric", **{key: 10**30})


def test_the_matrix_inequality_is_refused_where_it_does_not_fit(monkeypatch) -> None:
    monkeypatch.setattr(os, "sysconf", lambda name: 16)  # 256 bytes, and 8 · 3 · 3 · 4 are needed
    with pytest.raises(MemoryError, match=r"an array of shape \(3, 3, 4\)"):
        sensing.least_delta(np.eye(2) / 2, np.eye(2))


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


@pytest.mark.parametrize("angle", [60.0, 90.0])
def test_least_delta_is_asked_at_a_point_of_given_length_and_angle(angle: float) -> None:
    instance = sensing.instance("least-delta", angle=angle, length=0.5)
    np.testing.assert_array_equal(instance.problem.ground_truth, [[1.0], [0.0]])
    x = instance.known_point
    assert np.hypot(*x)[0] == pytest.approx(0.5, rel=1e-15)
    assert x[0, 0] == (0.0 if angle == 90 else pytest.approx(0.25, rel=1e-14))
    assert x[1, 0] > 0


@pytest.mark.parametrize("scale", [1.0, 1e-6])
def test_the_form_made_stationary_is_the_nearest_of_all(scale: float) -> None:
    """Against the projection on all symmetric H with first · H · residual = 0, entry by entry."""
    rng = np.random.default_rng(7)
    size = 4
    H = rng.standard_normal((size, size))
    H = H + H.T
    residual = 3 * rng.standard_normal(size)
    rows = rng.standard_normal((2, size))
    # Singular values of the last two are the rounding of a multiple of the first.
    noise = 1e-13 * rng.standard_normal((1, size))
    for first, kept in (
        (rows, rows),
        (np.vstack([rows, rows[0] - 2 * rows[1]]), rows),
        (np.vstack([rows[0], -rows[0] + noise]), rows[:1]),
    ):
        # What rowᵀ H residual sees of a symmetric H, row by row.
        C = np.array([(np.outer(row, residual) + np.outer(residual, row)).ravel() for row in kept])
        expected = (H.ravel() - np.linalg.pinv(C) @ (C @ H.ravel())).reshape(size, size)
        found = _made_stationary(H, residual, scale * first)
        np.testing.assert_allclose(kept @ found @ residual, 0, atol=1e-11)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


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
