"""The truncated closed form, as published, and what its rules accept (docs/theory.md, section 7).

path.py         coefficients α̃, β̃, γ̃ at every step, and what they leave of the gradient
surrogate.py    the objective that the published curves show
acceptance.py   the published collapse, and its two acceptance rules
windows.py      in which steps a term dominates and a rule accepts; intervals.py: sets of steps
"""
