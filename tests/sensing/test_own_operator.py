"""An operator of one's own is tested when it is loaded, and b against its ground truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.sensing.instances.contents import InstanceFileError
from lift_compare.sensing.instances.custom import InstanceFunctionError

CODE = """
import numpy as np
from lift_compare import sensing

A = np.random.default_rng(3).standard_normal((5, 3, 3))
A = A + A.transpose(0, 2, 1)
Z = np.ones((3, 1))


class Mine:
    n, m = 3, 5

    def __init__(self, fault, unit):
        self.fault, self.unit = fault, unit

    def measure(self, left, right):
        if self.fault == "raises":
            raise KeyError("no such sensor")
        A_ = A + np.triu(A, 1) if self.fault == "asymmetric" else A
        A_ = 0 * A if self.fault == "zero" else A_
        axes = "ijk,jl,kl->i" if self.fault == "no stacks" else "ijk,...jl,...kl->...i"
        return self.unit * np.einsum(axes, A_, left, right)

    def adjoint_matmul(self, y, right):
        factor = {"twice": 2.0, "zero": 0.0}.get(self.fault, 1.0)
        return self.unit * factor * np.einsum("...i,ijk,...kl->...jl", y, A, right)

    def matrices(self):
        return self.unit * (A[::-1] if self.fault == "other matrices" else A)


def make(fault="none", unit=1.0):
    b = np.einsum("ijk,jl,kl->i", A, Z, Z)
    return sensing.SensingProblem(Mine(fault, unit), b, 1)


def noisy(noise=0.0):
    operator = sensing.DenseOperator(A)
    b = operator.measure(Z, Z)
    return sensing.SensingProblem(operator, b * (1 + noise), 1, ground_truth=Z)
"""


UNITS = [1e-12, 1.0, 1e12]  # a mistake is one in any


@pytest.fixture
def module(tmp_path: Path) -> str:
    path = tmp_path / "mine.py"
    path.write_text(CODE)
    return str(path)


@pytest.mark.parametrize("unit", UNITS)
def test_a_right_operator_is_taken(module: str, unit: float) -> None:
    assert sensing.parse_instance(f"{module}:make:unit={unit}").problem.m == 5


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("twice", r"⟨L, adjoint_matmul\(y, R\)⟩ and symmetric A_i, but those of Mine differ by"),
        ("asymmetric", "and symmetric A_i, but those of Mine differ by"),
        ("zero", "expected some A_i that is not zero, but Mine gives zeros"),
        ("no stacks", r"expected Mine\.measure to take stacks"),
        ("other matrices", r"to be the ⟨A_i, LRᵀ⟩ of matrices\(\), but those of Mine differ"),
    ],
)
def test_an_operator_that_contradicts_itself_is_refused(
    module: str, fault: str, message: str, unit: float
) -> None:
    with pytest.raises(sensing.InvalidInput, match=message):
        sensing.parse_instance(f"{module}:make:fault={fault},unit={unit}")


def test_what_an_operator_raises_is_a_fault_of_the_users_code(module: str) -> None:
    with pytest.raises(InstanceFunctionError, match=r"KeyError: 'no such sensor' \(.*in measure"):
        sensing.parse_instance(f"{module}:make:fault=raises")


def test_measurements_that_are_not_of_the_truth_are_told(module: str, tmp_path: Path) -> None:
    assert sensing.parse_instance(f"{module}:noisy").notes == ()
    (note,) = sensing.parse_instance(f"{module}:noisy:noise=0.25").notes
    assert note.startswith("‖A(ZZᵀ) − b‖ is 0.2 of ‖b‖")  # 0.25 / 1.25
    A, Z = np.eye(3)[:, :, None] * np.eye(3)[:, None, :], np.ones((3, 2))  # A(ZZᵀ) = (2, 2, 2)
    for b, told in (([2.0, 2.0, 2.0], False), ([2.0, 2.0, 1.0], True)):
        path = tmp_path / "mine.npz"
        np.savez(path, A=A, b=b, Z=Z)
        notes = sensing.load_instance(path).notes
        assert any(note.startswith("‖A(ZZᵀ) − b‖ is 0.33 of") for note in notes) == told


def test_zeros_and_other_files_are_refused_with_the_remedy(module: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("1,2")
    np.savez(tmp_path / "zero.npz", A=np.zeros((2, 3, 3)), b=[1.0, 2.0], rank=1)
    for path, message in (
        (tmp_path / "zero.npz", "A: expected some A_i that is not zero"),
        (module, r"mine\.py:function"),
        (tmp_path / "x.csv", r"kinds \.npz, \.npy, \.mat, or my_file"),
    ):
        with pytest.raises(InstanceFileError, match=message):
            sensing.parse_instance(path)
    with open(tmp_path / "archive", "wb") as file:  # told by its content
        np.savez(file, A=np.eye(2)[None], b=[1.0], rank=1)
    assert sensing.parse_instance(tmp_path / "archive").problem.n == 2


def test_settings_are_four_numbers(tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"
    np.savez(path, A=np.eye(2)[None], b=[1.0], rank=1, settings=[3, 0.1, 0.01])
    with pytest.raises(InstanceFileError, match="settings: expected order, ρ, η and T") as refusal:
        sensing.load_instance(path)
    assert "four numbers, got 3" in str(refusal.value)


def test_a_file_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InstanceFileError, match=r"x\.npz: cannot be written: "):
        sensing.save_instance(tmp_path / "file" / "x.npz", sensing.instance("two-by-two"))
