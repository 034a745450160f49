"""The orthonormal basis of a span of powers: what is dropped, and its steps with many digits."""

from decimal import Decimal

import numpy as np
import pytest

from lift_compare.sensing.tolerances import GRAM_RANK
from lift_compare.simulated.span.orthonormal import (
    cholesky,
    decimals,
    orthonormal_form,
    solve_lower,
)


def form_of(rows, order=3):
    d = rows.shape[1]
    return orthonormal_form(rows, np.zeros((d, d, d, d)), np.eye(d), 1.0, order)


def pair(angle):
    return np.array([[1.0, 0.0], [np.cos(angle), np.sin(angle)]])


@pytest.mark.parametrize("order", [1, 3, 101])
@pytest.mark.parametrize(("share", "kept"), [(0.7, 1), (1.5, 2), (1e6, 2)])
def test_two_generators_are_parallel_where_the_gram_matrix_says_so(order, share, kept):
    """Its eigenvalues are 1 ± cosˡθ, with 1 − cosˡθ ≈ l θ²/2, beside GRAM_RANK times the larger."""
    angle = np.sqrt(2 * share * 2 * GRAM_RANK / order)
    form = form_of(pair(angle), order)
    assert form.into.shape == (kept, 2)
    assert form.back.shape == (2, kept)
    if kept == 2:
        assert form.dropped == 0
    else:  # the dropped combination is (1, −1)/√2, whose square is 1 − cosˡθ
        assert form.dropped**2 == pytest.approx(order * angle**2 / 2, rel=0.01)


@pytest.mark.parametrize(
    "rows", [np.eye(2), pair(0.5), pair(1e-4), np.zeros((2, 1)), np.eye(3)[[0, 1, 1]]]
)
def test_a_basis_that_misses_no_tensor_has_dropped_nothing_and_leaves_the_rest_of_c(rows):
    form = form_of(rows)
    gram = (rows @ rows.T) ** 3
    assert form.dropped <= 1e-13
    assert form.into @ form.back == pytest.approx(np.eye(len(form.into)), abs=1e-12)
    assert form.back @ form.back.T == pytest.approx(np.linalg.pinv(gram, 1e-10), rel=1e-6, abs=1e-6)
    # A zero generator, or the difference of two equal ones, is no tensor: its coefficient stays.
    c = np.arange(1.0, 1 + len(rows))
    u = form.into @ c
    assert form.coefficients(c, u, u) == pytest.approx(c, rel=1e-12)


@pytest.mark.parametrize("size", [1, 4])
def test_factors_and_triangular_systems_keep_their_digits(size):
    rng = np.random.default_rng(size)
    F = rng.standard_normal((size, size))
    G = decimals(F @ F.T + np.eye(size))
    L = cholesky(G)
    assert np.all(L[np.triu_indices(size, 1)] == 0)
    assert np.max(np.abs(L @ L.T - G)) < Decimal("1e-25")  # Decimal has 28 digits by default
    right = decimals(rng.standard_normal((size, 2)))
    assert np.max(np.abs(L @ solve_lower(L, right) - right)) < Decimal("1e-25")
