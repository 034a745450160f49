"""Restarted Lanczos against dense eigenvalues."""

import tracemalloc

import numpy as np
import pytest

from lift_compare.lifting.eigenpair import least_eigenpair, search_numbers


def matrix(eigenvalues, seed=0):
    rng = np.random.default_rng(seed)
    Q, _ = np.linalg.qr(rng.standard_normal((len(eigenvalues), len(eigenvalues))))
    return (Q * eigenvalues) @ Q.T, Q


SPECTRA = {
    "one": [-2.0],
    "one, zero": [0.0],
    "two": [3.0, 1.0],
    "spread": np.linspace(-1, 1, 300),
    "positive": np.linspace(1, 2, 120),
    "clustered at zero": np.r_[-1e-4, np.geomspace(1e-6, 1, 299)],
    "repeated": np.r_[np.full(5, -1.0), np.linspace(0, 1, 200)],
    "few values": np.repeat([-1.0, 0.0, 2.0], 60),
    "identity": np.ones(90),
    "zero": np.zeros(50),
}


@pytest.mark.parametrize("name", SPECTRA)
def test_it_finds_the_least_eigenpair(name):
    eigenvalues = np.array(SPECTRA[name])
    A, _ = matrix(eigenvalues)
    first = np.random.default_rng(1).standard_normal(len(A))
    vector, scale = least_eigenpair(lambda v: A @ v, first, 1e-10, 1000)
    largest = np.abs(eigenvalues).max()
    assert np.linalg.norm(vector) == pytest.approx(1)
    value = vector @ A @ vector
    assert np.linalg.norm(A @ vector - value * vector) <= 1e-10 * largest + 1e-14
    assert value == pytest.approx(eigenvalues.min(), abs=1e-10 * largest + 1e-14)
    assert scale == pytest.approx(largest, rel=1e-2, abs=1e-14)


def test_it_ends_with_its_budget():
    A, _ = matrix(np.linspace(0, 1, 500) ** 2)
    calls = []

    def product(v):
        calls.append(1)
        return A @ v

    vector, _ = least_eigenpair(product, np.random.default_rng(1).standard_normal(500), 1e-14, 2)
    assert 40 < len(calls) < 80
    assert np.linalg.norm(vector) == pytest.approx(1)


def test_a_basis_that_is_rotated_by_blocks_of_columns_stays_a_basis():
    """5000 unknowns, more than one block of 4096; restarts are needed, and the vector that is
    found spreads over both blocks."""
    diagonal = np.linspace(0, 1, 5000)
    x = np.ones(5000) / np.sqrt(5000)
    calls = []

    def product(v):
        calls.append(1)
        return diagonal * v - 0.02 * (x @ v) * x

    first = np.random.default_rng(2).standard_normal(5000)
    vector, _ = least_eigenpair(product, first, 1e-9, 1000)
    assert len(calls) > 100
    value = vector @ product(vector)
    assert np.linalg.norm(vector) == pytest.approx(1, rel=1e-13)
    assert np.linalg.norm(product(vector) - value * vector) <= 1e-9
    assert value < 0


@pytest.mark.parametrize("size", [2000, 20_000])
def test_a_search_holds_at_its_peak_hardly_less_than_is_predicted_and_no_more(size):
    diagonal, rng = np.linspace(0, 1, size), np.random.default_rng(3)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        least_eigenpair(lambda v: diagonal * v, rng.standard_normal(size), 1e-14, 2)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert 0.85 < peak / (8 * search_numbers(size)) < 1
