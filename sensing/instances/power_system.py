"""Power system state estimation: complex voltages from powers and magnitudes at the buses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..floats import silently
from ..operators import DenseOperator
from ..problem import SensingProblem
from ..step_rules import Backtracking
from ..validation import FloatArray, InvalidType, InvalidValue, refuse_absurd, shown, whole_number
from .definition import DescentSettings, Instance
from .known import DEGENERATE, instance_name

ComplexArray = npt.NDArray[np.complex128]

_LINES = {(0, 1): 0.01 + 0.1j, (1, 2): 0.02 + 0.15j, (2, 0): 0.01 + 0.12j}  # impedances
_VOLTAGES = np.array([1.0, 0.98 * np.exp(-0.1j), 1.02 * np.exp(0.05j)])


@silently
def power_system(
    admittance: Any, voltages: Any, measured: Sequence[str] | None = None
) -> SensingProblem:
    """Return the problem of finding the voltages of a network from what is measured at its buses.

    With x = (Re v, Im v), the active power, the reactive power and the squared magnitude of a bus
    are quadratic forms of x: P_k + i Q_k = v_k conj((Y v)_k) and |v_k|². Each form, of matrix A_i,
    is divided by ‖A_i‖_F. The powers and magnitudes do not see the global phase: with v, every
    e^{iφ} v solves the problem.

    Parameters
    ----------
    admittance : complex array (k, k)
        Y, the admittance matrix of k buses.
    voltages : complex array (k,)
        The true v.
    measured : sequence of str, optional
        Such as ["P1", "Q1", "V2"], with buses counted from one; by default all 3 k.

    Returns
    -------
    SensingProblem
        Of side 2 k, rank one, with the ground truth (Re v, Im v).

    Raises
    ------
    TypeError, ValueError
        For arrays of the wrong shape or with numbers that are not finite, or a measurement that
        is none.

    Examples
    --------
    >>> from lift_compare import sensing
    >>> line = [[1 - 5j, -1 + 5j], [-1 + 5j, 1 - 5j]]
    >>> sensing.power_system(line, [1.0, 0.9 - 0.1j], measured=["P1", "Q1", "V1", "V2"])
    SensingProblem(DenseOperator(n=4, m=4), rank=1, ground truth of shape (4, 1))
    """
    Y, v = _complex("admittance", admittance, 2), _complex("voltages", voltages, 1)
    k = len(v)
    if Y.shape != (k, k):
        raise InvalidValue(f"admittance: expected shape ({k}, {k}), got {Y.shape}")
    refuse_absurd(3 * k, 2 * k, 2 * k)
    names = [f"{kind}{bus + 1}" for kind in "PQV" for bus in range(k)]
    measured = names if measured is None else list(measured)
    unknown = [name for name in measured if name not in names]
    if unknown or not measured:
        expected = f"some of {', '.join(names)}"
        raise InvalidValue(f"measured: expected {expected}, got {shown(unknown or measured)}")
    A = [_form(Y, name[0], int(name[1:]) - 1) for name in measured]
    operator = DenseOperator([M / np.linalg.norm(M) for M in A])
    return SensingProblem.from_ground_truth(operator, np.concatenate([v.real, v.imag])[:, None])


def power_system_instance(without: str = "Q1", seed: int = 0) -> Instance:
    """Return a ring of three buses with one measurement left out, such as "Q1".

    X̂ is where descent from a standard normal start ends. With a reactive power left out a third to
    a half of such starts get stuck, with an active one, or none, left out none of forty did.
    """
    seed = whole_number("seed", seed, least=0)
    Y = np.zeros((3, 3), complex)
    for (i, j), impedance in _LINES.items():
        Y[[i, j], [i, j]] += 1 / impedance
        Y[[i, j], [j, i]] -= 1 / impedance
    names = [f"{kind}{bus}" for kind in "PQV" for bus in (1, 2, 3)]
    if without not in names:
        raise InvalidValue(f"without: expected one of {', '.join(names)}, got {shown(without)}")
    measured = [name for name in names if name != without]
    # ∇²h is flat along the global phase, else positive. G commutes with the turn by 90 degrees, so
    # its eigenvalues are double: the visible direction, and an order along it, depend on rounding.
    stuck = (without, seed) == ("Q1", 0)
    return Instance(
        instance_name("power-system", without=without, seed=seed),
        power_system(Y, _VOLTAGES, measured),
        descent=DescentSettings(
            np.zeros((6, 1)),
            spread=1.0,
            seed=(seed, 1),
            step_size=Backtracking(),
            before=5000,
            after=5000,
        ),
        facts={"kind": DEGENERATE, "oracle_order": 3} if stuck else {},
        source="the equations of the network; after Zhang, Lavaei and Molybog",
    )


def _form(Y: ComplexArray, kind: str, bus: int) -> FloatArray:
    """Return the symmetric matrix of 2P, 2Q or |v|² at a bus, in the coordinates (Re v, Im v)."""
    row = np.zeros_like(Y)
    if kind == "V":
        row[bus, bus] = 1.0
        return np.asarray(np.kron(np.eye(2), row.real))
    row[bus] = Y[bus]
    # v_k conj((Yv)_k) = conj(vᴴ (e_ke_kᵀ Y) v): P is the Hermitian part of that form, Q minus the
    # part that is i times a Hermitian one.
    both = row + row.conj().T if kind == "P" else 1j * (row - row.conj().T)
    return np.block([[both.real, -both.imag], [both.imag, both.real]])


def _complex(name: str, value: Any, dimensions: int) -> ComplexArray:
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise InvalidType(
            f"{name}: expected an array of complex numbers, got a ragged one"
        ) from error
    if array.dtype.kind not in "iufc":
        raise InvalidType(f"{name}: expected complex numbers, got {array.dtype}")
    if array.ndim != dimensions or not array.size:
        raise InvalidValue(f"{name}: expected {dimensions} dimensions, got shape {array.shape}")
    array = array.astype(np.complex128)
    if not np.all(np.isfinite(array)):
        raise InvalidValue(f"{name}: expected finite numbers, got NaN or infinity")
    return array
