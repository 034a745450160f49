"""The lifted objective on the span of powers vec(X_j)^{⊗l}: a quartic in k coefficients.

gram.py          inner products of measurements, taken once
units.py         scales of generators, measurements and steps, as logarithms
quartic.py       the quartic in plain numbers; log_quartic.py: in signs and logarithms
orthonormal.py   the same in an orthonormal basis of the span; forms.py: which of them is there
rounding.py      how wrong its values may be
objective.py     `SpanObjective`: value, gradient, projected gradient
descent.py       projected gradient descent on it, which is the lifted one
step_window.py   how large its step may be; phases.py: a grid of step sizes and lengths
default_step.py  a start and a step size without a choice
path_length.py   how long a path may be
minimum.py       its minimum, for an escape; independent.py drops dependent generators
"""
