"""The forms of the lifted objective: the same numbers at different costs (docs/explicit-cost.md).

    residual.py          A contracted into w mode by mode, m^l residual entries
    normal.py            the n⁴ cores of A*A, as in the lifting literature
    pairs.py             A*A over pairs of indices {p, q}, n(n+1)/2 a mode
    entrywise.py         swaps of modes, for operators that weigh single entries
    rank_one.py          mode products, for operators A_i = a_i a_iᵀ
    symmetric.py         the residual, or A*A over pairs, in the distinct entries of a symmetric w
    expansion.py         h^l and ∇h^l from the terms of its expansion, as three forms need them
    distinct.py          h^l and ∇h^l in distinct entries, as the symmetric forms need them
    contraction.py       tensor networks contracted pair by pair, their cost known beforehand
    pair_products.py     products of two symmetric tensors, by pairs of indices
    symmetric_power.py   one matrix on every mode of a symmetric tensor
    rates.py             how long an evaluation takes, to choose among the forms
    choice.py            all forms by name, what each costs, and the choice among them

To add a form, write a class with the members of `choice.Form` and name it in `choice.FORMS`.
"""
