"""No answer hangs on the last bits: within rounding it is open, beyond float64 it says so."""

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.compare import verify, verify_random
from lift_compare.compare.verification.claims import CHECKS, Holds, Kind
from lift_compare.compare.verification.claims.claim import below, equal, negative, promised
from lift_compare.compare.verification.claims.rounding import OutOfRange, operator_norm, size
from lift_compare.compare.verification.random_instances import random_instance


@pytest.mark.parametrize("value", [-3e-19, 0.0, 3e-19])
def test_a_value_within_rounding_of_its_bound_is_undecided(value):
    for finding in (negative(value, 1e-18), below(1 + value, 1.0, 1e-15)):
        assert finding.holds is None
        assert "undecided" in finding.reason


def test_beyond_rounding_it_is_decided():
    assert negative(-2e-18, 1e-18).holds is True
    assert negative(2e-18, 1e-18).holds is False
    assert below(1.1, 1.0, 1e-15).holds is False


def test_a_promise_is_kept_broken_or_too_small_to_see():
    assert promised(-1.0, -0.9, 1e-12).holds is True
    assert promised(0.0, -0.9, 1e-12).holds is False
    assert promised(-0.5, -0.9, 1e-12).holds is False
    assert promised(0.0, -1e-13, 1e-12).holds is None


@pytest.mark.parametrize("tolerance", [0.0, 1e-300, np.inf, np.nan])
def test_a_tolerance_that_leaves_float64_is_no_tolerance(tolerance):
    with pytest.raises(OutOfRange):
        equal(0.0, 0.0, tolerance)


@pytest.mark.parametrize("scale", [1.0, 1e-200, 1e200])
def test_size_does_not_square_what_leaves_float64(scale):
    assert size(np.array([3.0, -4.0]) * scale) == pytest.approx(5 * scale, rel=1e-15)


def test_operator_norm_against_the_singular_values():
    problem = sensing.gaussian(4, 1, 7, 3)
    rows = problem.operator.matrices().reshape(7, -1)
    assert operator_norm(problem) == pytest.approx(np.linalg.norm(rows, 2), rel=0.1)


@pytest.mark.parametrize(
    ("seed", "index"),
    [(0, 21), (3, 40)],
)
def test_measurements_that_cancel_are_no_violation(seed, index):
    """b is a thousandth of ‖A‖ ‖Z‖² and h(X̂) is zero: every number is left of larger terms."""
    rng = np.random.default_rng([seed, index])
    A = rng.standard_normal((1, 2, 2))
    A = (A + A.transpose(0, 2, 1)) / 2
    Z = rng.standard_normal((2, 1))
    A -= ((Z.T @ A[0] @ Z).item() - 0.004) * (Z @ Z.T) / np.sum(Z**2) ** 2
    problem = sensing.SensingProblem.from_ground_truth(sensing.DenseOperator(A), Z)
    assert problem.measurements == pytest.approx([0.004])
    for order in (1, 3, 5):
        found = verify(problem, -Z, order)
        assert found.violations == (), found.summary()
        assert found["lifted value"].holds is Holds.YES


@pytest.mark.parametrize("factor", [1e-75, 1e-30, 1e10, 1e60, 1e150])
@pytest.mark.parametrize("index", [8, 9, 10])
def test_a_scaled_instance_is_out_of_range_but_never_violated(index, factor):
    """Of the truth and the point, and of the operator."""
    instance = random_instance(index, seed=0)
    problem, X, order = instance.problem, instance.point, instance.settings.order
    operator = problem.operator
    with np.errstate(all="ignore"):
        if isinstance(operator, sensing.RankOneOperator):
            louder = sensing.RankOneOperator(operator.vectors * factor**0.5)
        elif isinstance(operator, sensing.EntrywiseOperator):
            louder = sensing.EntrywiseOperator(operator.weights * factor)
        else:
            louder = sensing.DenseOperator(operator.matrices() * factor)
        Z, b = problem.ground_truth, problem.measurements
        scaled = [(sensing.SensingProblem(louder, b * factor, problem.rank, Z), X)]
        if factor < 1e100:  # else b itself overflows, which a problem refuses
            longer = sensing.SensingProblem(operator, b * factor**2, problem.rank, Z * factor)
            scaled.append((longer, X * factor))
    for changed, at in scaled:
        found = verify(changed, at, order)
        assert found.violations == (), found.summary()
        assert len(found) == len(CHECKS)
        if not 1e-70 < factor < 1e50:
            assert any(claim.holds is Holds.OUT_OF_RANGE for claim in found)
        for claim in found:
            assert (claim.holds is Holds.OUT_OF_RANGE) == claim.reason.startswith(
                "out of float64 range: "
            )


def test_out_of_range_is_counted_and_says_what():
    problem = sensing.two_by_two()
    far = sensing.SensingProblem(problem.operator, problem.measurements * 1e160)
    found = verify(far, np.array([[0.0], [1e80 * 2**-0.5]]), 3)
    assert f"{len(found)} out of range; 0 violations" in found.summary()
    assert "‖b‖² is about 1e320" in found["gradient"].reason


def test_numpy_that_raises_changes_nothing():
    """The caller's errstate is the caller's; the answers are the same."""
    instance = random_instance(8, seed=0)
    arguments = (instance.problem, instance.point, instance.settings.order)
    expected = verify(*arguments).rows()
    with np.errstate(all="raise"):
        assert verify(*arguments).rows() == expected
        assert verify_random(2, seed=1, first=8).violations == ()
        far = sensing.SensingProblem(sensing.two_by_two().operator, [1e-170, 0.0, 1e-170])
        assert verify(far, [[1e-85], [0.0]], 3).violations == ()


def test_conditional_claims_compare_with_a_promise():
    """None of them is satisfied by a sign alone."""
    found = verify_random(12, seed=0, memory_limit=2**12)
    promises = [
        claim
        for v in found.verifications
        for claim in v.claims
        if claim.kind is Kind.CONDITIONAL and claim.holds is Holds.YES and "⇒" in claim.name
    ]
    compared = [c for c in promises if isinstance(c.expected, str) and c.expected.startswith("≤ -")]
    assert len(compared) >= 5
    for claim in compared:
        assert claim.measured <= float(claim.expected.split()[1]) * (1 - 1e-5) + claim.tolerance


def test_linear_algebra_that_meets_no_finite_number_is_an_answer(monkeypatch):
    """Not a traceback: eigenvalues of what has overflowed."""

    def overflowed(*args, **kwargs):
        return np.linalg.eigvals(np.full((2, 2), np.inf))

    instance = random_instance(8, seed=0)
    monkeypatch.setattr("lift_compare.simulated.smallest_saddle_order", overflowed)
    found = verify(instance.problem, instance.point, instance.settings.order)
    assert found["smallest saddle order"].holds is Holds.OUT_OF_RANGE
    assert "infs or NaNs" in found["smallest saddle order"].reason
