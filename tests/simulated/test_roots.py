"""Real roots of polynomials with known ones, near and far from each other."""

import math
from fractions import Fraction

import numpy as np
import pytest

from lift_compare.simulated.roots import real_roots

EPS = np.finfo(float).eps


@pytest.mark.parametrize(
    ("roots", "scale"),
    [
        ([2.0], 1.0),
        ([-3.0, 0.5], 1.0),
        ([-3.0, 0.5, 7.0], 1e-300),
        ([-2.0, 0.0, 5.0], 1e300),
        ([-1e-100, 1.0, 1e100], 1.0),
        ([-1e-6, 2e-6, 1e6], 1.0),
        ([-1e150, 1e-150, 2e-150], 1e10),
        ([1e-36, 1.0, 2.0], 1.0),
        ([1e-38, 20.0, 2e40], 1.0),
        ([1e-30, 2e-30, 3e-30, 1.0], 1.0),
    ],
)
def test_the_roots_of_a_product_of_factors_are_found(roots, scale):
    found = real_roots(scale * np.polynomial.polynomial.polyfromroots(roots))
    assert found == pytest.approx(np.sort(roots), rel=1e4 * EPS, abs=0)


@pytest.mark.parametrize(
    ("coefficients", "expected"),
    [
        ([1e-300, -1.0, 1.0, 1.0], [-(1 + 5**0.5) / 2, 1e-300, (5**0.5 - 1) / 2]),
        ([1.0, 1e200, 1.0], [-1e200, -1e-200]),
        ([1.0, 1e-200, 0.0, 1.0], [-1.0]),
        ([-8.0, 0.0, 0.0, 1.0], [2.0]),
        ([1e-300, 1.0, 3.0, 1.0, 1e-300], [-1e300, *np.roots([1.0, 3.0, 1.0]), -1e-300]),
        # The hull decides, not one term beside the next: these are one and a pair.
        ([1e-280, 1e-150, 1e-149, 1.0], [-1e-130]),
        ([-9.0, 0.0, -2e20, 1e30], [3e-10]),  # (s − 3)(s² + s + 3) for s = 1e10 t
    ],
)
def test_roots_that_are_far_apart_are_all_found(coefficients, expected):
    with np.errstate(all="raise"):
        found = real_roots(np.array(coefficients))
    assert found == pytest.approx(expected, rel=1e4 * EPS, abs=0)


@pytest.mark.parametrize(
    ("coefficients", "expected"),
    [
        ([1e300, 1e-300], []),  # −1e600
        ([1e300, 1e200, 1e-320], [-1e100]),  # and −1e520
        ([1e-300, 1e300], [0.0]),  # −1e−600
        ([0.0, 0.0], []),
        ([0.0, 3.0], [0.0]),
        ([3.0, 0.0, 0.0], []),
    ],
)
def test_what_leaves_float64_is_left_out_or_zero_without_a_warning(coefficients, expected):
    with np.errstate(all="raise"):
        found = real_roots(np.array(coefficients))
    assert found == pytest.approx(expected, rel=1e4 * EPS, abs=0)


@pytest.mark.parametrize("size", [1e-9, 3.0, 1e9])
def test_a_pair_is_real_only_where_rounding_has_split_it(size):
    """Pairs of the given size beside a root of size 1/size."""
    other = np.array([-1 / size, 1.0])
    double = np.polynomial.polynomial.polymul([size**2, -2 * size, 1.0], other)
    pair = np.polynomial.polynomial.polymul([2 * size**2, -2 * size, 1.0], other)
    near = 100 * math.sqrt(EPS)  # what rounding makes of a double root
    assert real_roots(double) == pytest.approx(sorted([size, size, 1 / size]), rel=near, abs=0)
    assert real_roots(pair) == pytest.approx([1 / size], rel=near, abs=0)


@pytest.mark.parametrize("degree", [2, 3, 4])
def test_every_root_has_the_digits_that_its_condition_leaves(degree):
    """The condition is Σ |a_i rⁱ| / |r p′(r)|; the coefficients are exact and rounded once."""
    rng = np.random.default_rng(degree)
    for _ in range(200):
        roots = np.sort(rng.choice([-1, 1], degree) * 10 ** rng.uniform(-12, 12, degree))
        exact = [Fraction(1)]
        for root in roots:
            shifted = [0, *exact]
            exact = [a - Fraction(root) * b for a, b in zip(shifted, [*exact, 0], strict=True)]
        found = real_roots(np.array([float(a) for a in exact]))
        assert len(found) == degree
        for root, near in zip(roots, found, strict=True):
            terms = [a * Fraction(root) ** i for i, a in enumerate(exact)]
            slope = sum(i * term for i, term in enumerate(terms))
            condition = sum(abs(term) for term in terms) / abs(slope)
            assert near == pytest.approx(root, rel=100 * EPS * float(condition), abs=0)
