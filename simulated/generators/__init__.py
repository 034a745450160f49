"""Sums of powers whose generators move, and the lifted gradient itself, without a lift.

objective.py   `GeneratorObjective`: h^l of Σ_j vec(X_j)^{⊗l} as a function of the matrices X_j
cp_gradient.py ∇h^l as a sum of powers, in an orthonormal basis that begins with that of a span
leakage.py     `leakage`: how much of ∇h^l a span leaves out, along a path if need be
"""
