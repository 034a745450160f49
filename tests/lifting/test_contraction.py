"""Contractions of tensor networks against einsum, and what they are said to cost."""

import itertools
import math

import numpy as np
import pytest

from lift_compare.lifting.forms.contraction import Contraction, _matricise, _pair

SIZES = {"a": 2, "b": 3, "c": 4, "d": 5, "e": 2, "f": 3, "z": 1}

# Section 15.2 of Cormen, Leiserson, Rivest and Stein's Introduction to Algorithms: matrices of
# 30×35, 35×15, 15×5, 5×10, 10×20 and 20×25 take 15,125 multiplications in the best order.
CHAIN = (30, 35, 15, 5, 10, 20, 25)


def chain():
    labels = list(range(len(CHAIN)))
    pairs = list(itertools.pairwise(labels))
    return pairs, Contraction(pairs, [0, 6], dict(zip(labels, CHAIN, strict=True)))


def test_the_order_of_a_matrix_chain_is_the_best_one():
    pairs, contraction = chain()
    assert contraction.flops == 2 * 15_125
    # ((A₁ (A₂ A₃)) ((A₄ A₅) A₆)): the first product is 30 × 5 from 30 × 35, the last from 30 × 5.
    assert contraction.largest_product == max(35 * 15 * 5, 30 * 35 * 5, 5 * 20 * 25, 30 * 5 * 25)
    matrices = [
        np.random.default_rng(k).standard_normal((CHAIN[i], CHAIN[j]))
        for k, (i, j) in enumerate(pairs)
    ]
    want = np.linalg.multi_dot(matrices)
    np.testing.assert_allclose(contraction(*matrices), want, rtol=0, atol=1e-13 * abs(want).max())


def test_a_matrix_chain_holds_two_operands_and_the_result_at_its_last_step():
    _, contraction = chain()
    assert contraction.result_bytes == 8 * 30 * 25
    assert contraction.peak_bytes == 8 * (30 * 5 + 5 * 25 + 30 * 25)


def test_a_transposed_result_is_a_copy_beside_the_product():
    """So is a transposed operand where its rows are not one axis or neighbours in memory."""
    sizes = {"i": 3, "j": 4, "k": 5}
    straight = Contraction(["ij", "jk"], "ik", sizes)
    turned = Contraction(["ij", "jk"], "ki", sizes)
    assert (straight.peak_bytes, turned.peak_bytes) == (8 * 15, 8 * 30)
    copied = Contraction(["ijk", "j"], "ik", sizes)
    assert copied.peak_bytes == 8 * (60 + 15)
    assert copied.flops == 2 * 60


@pytest.mark.parametrize("operands", ["ab", "abc", "abcd"])
def test_a_copy_is_counted_where_numpy_makes_one(operands):
    """Every order of the axes, split into rows and columns everywhere."""
    tensor = np.zeros([SIZES[label] for label in operands])
    for order in itertools.permutations(operands):
        for split in range(len(order) + 1):
            rows, columns = list(order[:split]), list(order[split:])
            step = _matricise(tuple(operands), rows, columns, SIZES)
            matrix = tensor.transpose(step.axes).reshape(step.shape)
            assert step.shape == tuple(
                math.prod(SIZES[x] for x in group) for group in (rows, columns)
            )
            assert step.copied == (0 if np.shares_memory(matrix, tensor) else tensor.nbytes)


@pytest.mark.parametrize(
    ("left", "right"),
    [("abc", "bcd"), ("abc", "cbd"), ("bca", "dcb"), ("acbd", "bcef"), ("cab", "bdc"), ("ab", "b")],
)
def test_a_pair_is_laid_out_with_the_fewest_copies(left, right):
    """Among all orders of the summed indices."""
    summed = [label for label in left if label in right]
    keep = [[x for x in labels if x not in summed] for labels in (left, right)]
    fewest = min(
        _matricise(tuple(left), keep[0], list(order), SIZES).copied
        + _matricise(tuple(right), list(order), keep[1], SIZES).copied
        for order in itertools.permutations(summed)
    )
    wanted = tuple(keep[0] + keep[1])
    step, result = _pair((0, 1), tuple(left), tuple(right), set(wanted), SIZES)
    assert step.left.copied + step.right.copied == fewest
    assert result == wanted
    with pytest.raises(AssertionError, match="summed over two operands only"):
        _pair((0, 1), tuple(left), tuple(right), {*wanted, summed[0]}, SIZES)


@pytest.mark.parametrize(
    ("operands", "output"),
    [
        (["abc"], "cab"),
        (["abc", "cd"], "dab"),
        (["ab", "bc", "cd", "de"], "ae"),
        (["abc", "bd", "cde"], "ea"),
        (["ab", "ab"], ""),
        (["a", "b"], "ba"),
        (["azb", "bz"], "a"),
        (["za", "a"], "z"),
    ],
)
def test_contractions_agree_with_einsum(operands, output):
    """Axes of length one ("z") too, summed or kept; the operands stay as they are."""
    rng = np.random.default_rng(0)
    tensors = [rng.standard_normal([SIZES[x] for x in labels]) for labels in operands]
    before = [tensor.copy() for tensor in tensors]
    got = Contraction(operands, output, SIZES)(*tensors)
    want = np.einsum(f"{','.join(operands)}->{output}", *tensors)
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-13 * np.abs(want).max())
    for tensor, kept in zip(tensors, before, strict=True):
        np.testing.assert_array_equal(tensor, kept)
    with pytest.raises(ValueError, match="zip"):
        Contraction(operands, output, SIZES)(*tensors, tensors[0])


@pytest.mark.parametrize("many", [1, 2, 3])
@pytest.mark.parametrize("output", ["ae", "ea", "zea"])
def test_many_networks_at_once_are_one_after_the_other(many, output):
    """The first one, two or three operands differ; every pair of these meets at some step."""
    rng = np.random.default_rng(many)
    operands = ["abz", "dcb", "ecd"]
    contraction = Contraction(operands, output, SIZES)
    shapes = [tuple(SIZES[label] for label in labels) for labels in operands]
    stacks = [rng.standard_normal((4, *shape)) for shape in shapes[:many]]
    shared = [rng.standard_normal(shape) for shape in shapes[many:]]
    found = contraction.each(stacks, shared)
    assert found.shape == (4, *(SIZES[label] for label in output))
    want = [
        np.einsum(f"{','.join(operands)}->{output}", *(s[k] for s in stacks), *shared)
        for k in range(4)
    ]
    np.testing.assert_allclose(found, want, rtol=0, atol=1e-13 * np.abs(want).max())
