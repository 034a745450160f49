"""Premises about the RIP constant are decided by a bracket of it, never by a lower bound alone."""

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.compare import Verification, verify
from lift_compare.compare.verification.claims import Holds
from lift_compare.sensing.rip import RipBracket, rip_bracket
from tests.compare.verification.cases import case, check


def with_bracket(at, lower, upper, upper_side):
    vars(at)["rip"] = RipBracket(2, lower, upper, upper_side)
    return at


PREMISES = [
    "EFS > 1 ⇒ decrease",
    "t* decreases h",
    "NCM > 1 ⇒ saddle",
    "NCM > 2^{1/l−1} ⇒ saddle",
    "l > 1/(1 − log₂2β) ⇒ saddle",
]


@pytest.mark.parametrize("name", PREMISES)
def test_a_premise_that_only_the_lower_bound_makes_true_is_open(name):
    """On the real system the conclusions are false; a δ that is too low must not contradict the
    theory."""
    real = sensing.instance("real-system")
    X = sensing.polish(real.problem, real.point)
    claim = check(name, with_bracket(case(real.problem, X, 5), -0.95, 5.0, 5.0))
    assert claim.holds is Holds.NOT_APPLICABLE
    assert "open" in claim.reason


@pytest.mark.parametrize("name", PREMISES)
def test_a_certain_premise_with_a_false_conclusion_is_a_contradiction(name):
    """With a (wrong) certain upper bound of δ the same conclusions would contradict the theory,
    and are flagged."""
    real = sensing.instance("real-system")
    X = sensing.polish(real.problem, real.point)
    assert check(name, with_bracket(case(real.problem, X, 5), -0.95, -0.95, -0.95)).violated


@pytest.mark.parametrize("name", PREMISES)
def test_a_premise_that_the_lower_bound_refutes_is_not_applicable(name):
    real = sensing.instance("real-system")
    X = sensing.polish(real.problem, real.point)
    claim = check(name, case(real.problem, X, 5))
    assert claim.holds is Holds.NOT_APPLICABLE
    assert "open" not in claim.reason


def test_a_saddle_of_h_meets_the_premises():
    """X̂ = ε e₁ beside M* = e₂e₂ᵀ + ε² e₁e₁ᵀ, all entries seen (δ = 0): every sufficient
    condition is true there."""
    problem = sensing.SensingProblem.from_ground_truth(
        sensing.EntrywiseOperator(np.ones((3, 3))), [[0.1, 0], [0, 1.0], [0, 0]], rank=1
    )
    found = verify(problem, [[0.1], [0], [0]], 3)
    for name in (
        *(name for name in PREMISES if name != "t* decreases h"),
        "NCM* > 2^{1/l−1} ⇒ saddle",
        "l > 1/(1 − log₂2β*) ⇒ saddle",
        "single step ⇒ decrease",
    ):
        assert found[name].holds is Holds.YES, found[name]
    assert "κ = 0" in found["t* decreases h"].reason
    assert found.violations == ()


@pytest.mark.parametrize(("n", "m"), [(3, 4), (3, 6), (4, 20)])
def test_bracket_against_explicit_matrices(n, m):
    """δ_n from the eigenvalues of A*A on vec'd symmetric matrices, by brute force over n² × n²."""
    operator = sensing.gaussian(n, 1, m, 0).operator
    rows = operator.matrices().reshape(m, -1)
    swap = np.eye(n * n).reshape(n, n, n, n).transpose(0, 1, 3, 2).reshape(n * n, n * n)
    symmetric = np.linalg.svd((np.eye(n * n) + swap) / 2)[0][:, : n * (n + 1) // 2]
    values = np.linalg.eigvalsh(symmetric.T @ rows.T @ rows @ symmetric)
    bracket = rip_bracket(operator, n, seed=0)
    assert bracket.upper == pytest.approx(max(values[-1] - 1, 1 - values[0]), rel=1e-10)
    assert bracket.upper_side == pytest.approx(max(values[-1] - 1, 0), rel=1e-10)
    assert bracket.lower == pytest.approx(bracket.upper, rel=1e-9)
    assert rip_bracket(operator, 1, seed=0).lower <= bracket.upper


def test_published_rip_constant_never_makes_a_violation():
    published = sensing.instance("perturbed-completion")
    for delta in (0.0, 0.3, 0.999):
        found = verify(published.problem, published.point, 3, rip_constant=delta)
        assert found.violations == ()
        # Matrices of rank two attain 0.898.
        assert found["given RIP constant"].holds is (Holds.YES if delta > 0.9 else Holds.NO)


def test_a_delta_above_one_says_how_to_scale_and_the_scores_stay_the_same() -> None:
    instance = sensing.instance("real-system")
    problem, X = instance.problem, instance.stationary_point()

    def times(factor: float, delta: float | None) -> Verification:
        A = sensing.DenseOperator(factor * problem.operator.matrices())
        there = sensing.SensingProblem(A, factor * problem.measurements, 1)
        return verify(there, X, order=3, rip_constant=delta, claims=claims)

    claims = ["efs-above-1", "needed-rip-inequality", "efs-star-above-1"]
    large, delta = times(3.0, 12.5), 12.5
    by = ((1 + delta) / 2) ** 0.5
    said = f"δ > 1: A is not scaled as the RIP wants it; A and b divided by {by:.4g} would"
    assert said in large["efs-above-1"].reason
    assert "; δ > 1: A is not scaled" in times(3.0, None)["needed-rip-inequality"].reason
    mended = times(3.0 / by, (1 + delta) / by**2 - 1)
    for claim in ("efs-above-1", "efs-star-above-1"):
        assert mended[claim].measured == pytest.approx(large[claim].measured, rel=1e-9)
        assert "divided" not in mended[claim].reason
