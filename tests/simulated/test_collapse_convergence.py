"""The collapse converges to rounding, also where its power iteration is slow, and without
leaving float64."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from lift_compare.simulated import collapse


def height(generators, coefficients, order, x):
    return float(coefficients @ np.einsum("jab,ab->j", generators, x) ** order)


@pytest.mark.parametrize("order", [3, 5, 11, 101])
@pytest.mark.parametrize("angle", [0.3, 1.0, 1.5])
@pytest.mark.parametrize("weight", [-1.0, 0.2, 0.999999])
def test_two_powers_in_the_plane_against_a_scan_of_all_angles(order, angle, weight):
    # In a plane every unit vector is an angle: scan them all and refine the best.
    generators = np.array([[1.0, 0.0], [np.cos(angle), np.sin(angle)]])[:, :, None]
    coefficients = np.array([1.0, weight])

    def below(phi):
        return -height(generators, coefficients, order, np.array([[np.cos(phi)], [np.sin(phi)]]))

    scan = np.linspace(0, 2 * np.pi, 20_001)
    best = scan[np.argmin([below(phi) for phi in scan])]
    top = -minimize_scalar(
        below, bounds=(best - 1e-3, best + 1e-3), method="bounded", options={"xatol": 1e-12}
    ).fun
    x = collapse(generators, coefficients, order)
    length = float(np.linalg.norm(x))
    assert length**order == pytest.approx(top, rel=1e-9)
    assert height(generators, coefficients, order, x / length) == pytest.approx(top, rel=1e-9)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("order", [1, 3, 7])
def test_end_is_stationary_on_the_sphere_to_rounding(seed, order):
    rng = np.random.default_rng(seed)
    generators, coefficients = rng.standard_normal((7, 4, 2)), rng.standard_normal(7)
    x = collapse(generators, coefficients, order)
    unit = x / np.linalg.norm(x)
    pull = np.einsum(
        "j,jab->ab",
        coefficients * np.einsum("jab,ab->j", generators, unit) ** (order - 1),
        generators,
    )
    tangent = pull - np.sum(pull * unit) * unit
    assert np.linalg.norm(tangent) <= 1e-12 * np.linalg.norm(pull)
