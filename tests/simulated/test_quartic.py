"""The quartic in plain numbers where its terms leave float64: no warning, and no wrong number."""

import numpy as np
import pytest

from lift_compare.simulated.span.quartic import Quartic

QUARTIC = Quartic(np.eye(4) - 0.1, np.array([[1.0, -0.5], [-0.5, 1.0]]), 1.0)
METHODS = {
    "value": Quartic.value,
    "gain": Quartic.gain,
    "gradient": Quartic.gradient,
    "gradient and Hessian": Quartic.gradient_and_hessian,
    "along": lambda quartic, c: quartic.along(c, c[..., ::-1] * [1.0, -0.5]),
}


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("size", [1e-300, 1e-170, 1e-90, 1e90, 1e170, 1e300])
@pytest.mark.parametrize("signs", [(1.0, 1.0), (1.0, -0.7)])
def test_what_leaves_float64_comes_back_without_a_warning(name, size, signs):
    """Products of 1e±170 over- and underflow, and their differences are inf − inf."""
    c = size * np.array([signs, [1.0, 0.3]])
    with np.errstate(all="raise"):
        found = METHODS[name](QUARTIC, c)
    if size < 1:  # what underflows is zero beside the constant and the slope
        for part in found if isinstance(found, tuple) else [found]:
            assert np.all(np.isfinite(part))


def test_the_difference_of_two_terms_that_overflow_is_no_number():
    assert np.isnan(Quartic(np.ones((1, 1)), np.ones((1, 1)), 1.0).value(np.array([1e200])))
