"""Numbers printed by the authors of the SOD paper (arXiv 2602.05887) and in their notebooks.

They are quoted here to be compared with what is computed, and used in no computation.
"""

from __future__ import annotations

LIFTED_OBJECTIVES = {
    "two-by-two": {
        "the lifted stationary point": 0.4921875,
        "the visible term alone": 1.2649078369,
        "the hidden term alone": 0.3677262068,
        "w_escape": 0.492099613,
        "the final state": 0.3102724552,
    },
    "perturbed-completion": {
        "the lifted stationary point": 1.488696074686553,
        "the visible term alone": 1.9998230945,
        "the hidden term alone": 0.0499002118,
        "w_escape": 1.4883835242474537,
        "the final state": 1.3332726866,
    },
}
"""Printed under the name of the lifted objective; the two-by-two values come from float32."""

TERM_NORMS = {
    "two-by-two": (0.353553, 1.609515, 0.377379),
    "perturbed-completion": (16.765208, 0.300906, 48.656499),
}
"""Norms of the base, the visible and the hidden tensor after the published number of steps."""

SPECTRAL = {
    "two-by-two": {"λ_n": -0.75, "σ_r": 0.707107, "κ": 0.0},
    "perturbed-completion": {"λ_n": -0.33032, "σ_r": 1.292141, "κ": 0.003493},
}
"""Spectral data at X̂. The sign of κ is that of the chosen eigenvector."""

DESCENT_ENDS = {
    "two-by-two": (0.00839904, 0.70692475),
    "perturbed-completion": (-0.913447309, -6.57839858e-07, 0.91391595),
}
"""Where gradient descent ends before the escape."""

RIP = {"two-by-two": (2, 0.5), "perturbed-completion": (3, 0.865894)}
"""Rank p and the value printed as a lower bound of δ_p, from random sampling."""

FEASIBILITY = {"two-by-two": 1.0, "perturbed-completion": 0.106031}
"""Escape feasibility scores EFS, computed with the RIP values above."""

SUCCESS_RATES: dict[tuple[int, float], tuple[float, float]] = {
    (40, 0.15): (0.58, 0.98),
    (50, 0.15): (0.56, 0.92),
    (60, 0.15): (0.50, 0.86),
    (70, 0.15): (0.40, 0.80),
    (80, 0.15): (0.32, 0.70),
    (40, 0.10): (0.48, 0.88),
    (50, 0.10): (0.36, 0.84),
    (60, 0.10): (0.26, 0.78),
    (70, 0.10): (0.22, 0.68),
    (80, 0.10): (0.14, 0.60),
}
"""Success rates on perturbed completion by (n, ε): gradient descent, and with escapes. 50 starts
each, which are not published, so these rates are no target for ours."""
