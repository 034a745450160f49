"""The tolerances of the comparison, each with its reason, and the byte budget.

What the libraries need stands in `sensing/tolerances.py`. ε is the rounding of float64, 2.2e-16.
"""

# Agreement ---------------------------------------------------------------------------------------

AGREEMENT = 1e-10
"""Explicit and exactly simulated descent agree to this: both sum some 10⁵ terms of rounding ε at
each of a few hundred steps."""

ONE_LINE = 1e-8
"""Singular values of displacements, relative to the largest, below which they lie on one line:
√ε, since the displacements are differences of near tensors."""

PRINTED_DIGITS = 1e-5
"""Relative deviation up to which a printed number is reproduced: several come from float32."""

# Claims: what must hold to rounding --------------------------------------------------------------

PRODUCT = 1e-12
"""The same number by two short formulas: some thousand ε of the terms, which are summed over n² or
m numbers."""

IDENTITY = 1e-11
"""A formula against its definition through n×n matrices: their terms cancel by a digit or so."""

DIFFERENCE = 1e-9
"""A derivative against differences at four or five points, exact for polynomials but for rounding,
which the small denominators magnify some thousand times."""

PATH_ROUNDING = 1e-13
"""Rounding of h or h^l along a line or path, in units of their terms, and of displacements."""

SMALLEST_TERM, LARGEST_TERM = 1e-280, 1e300
"""Range in which a term keeps its digits: below, ε of it is beyond the least numbers of float64;
above, a sum of many overflows."""

NEARLY_PARALLEL = 1e-2
"""Length by which two nearly parallel unit generators differ: their Gram matrix is then computed
with 80 digits, and tensors in plain numbers still keep ten digits of the projection."""

BESIDE_THRESHOLD = 1e-6
"""Part of its terms by which the inequality of a saddle order is met where that is tested beside
the threshold: far above rounding, far below what an instance shows by chance."""

SMALL_PART = 1e-4
"""Cosine of small measurements that must not be taken for rounding."""

MARGIN = 1e-9
"""By which a premise must be met, so that rounding cannot make it true."""

COLLAPSED = 1e-8
"""Two values of ⟨w, x^{⊗l}⟩ at maxima that were found separately: each search ends at √ε in x."""

RAYLEIGH = 2e-6
"""The least lifted eigenvalue, in units of the Hessian's terms: twice what the search is asked for
(`ORACLE_SEARCH`), since both sides of a comparison may be off."""

ORACLE_SEARCH = 1e-6
"""Accuracy asked of that search: without negative curvature the least eigenvalues cluster at zero,
where Lanczos is slow."""

RIP_DIGITS = 5e-7
"""Half a unit of the sixth digit, to which RIP constants are printed."""

# Claims: what counts as what ---------------------------------------------------------------------

SPURIOUS = 1e-6
"""λ_n below minus this, in units of the terms of G, counts as negative; h(X̂) above its square, in
units of ½‖b‖², as positive."""

POSITIVE_OBJECTIVE = 1e-12
"""h(X̂) / ½‖b‖² above which X̂ is called spurious: rounding of a residual squared leaves ε²."""

NOISELESS = 1e-10
"""‖A(ZZᵀ) − b‖ / ‖b‖ up to which b counts as measured without noise: b may come from a file."""

HIDDEN = 1e-10
"""Norm of the hidden direction, in units of its terms, up to which it is zero."""

FLAT_HESSIAN = 1e-7
"""Eigenvalues of ∇²h up to this, relative to the largest, count as zero: about √ε, as X̂ is
stationary to rounding only."""

FOURTH_ORDER = 1e-6
"""Cubic and quartic terms along a flat direction up to this, in their units, count as zero."""

FLAT_DIRECTION = 1e-3
"""Sine between a flat direction and those of the symmetry, below which it is one of them."""

KERNEL = 1e-10
"""Singular values up to this, relative to the largest, count as zero: exact ones after a polish
have 1e-11."""

GRAM_INDEPENDENT = 1e-10
"""Least eigenvalue of Γ of unit generators above which they count as independent."""

KAPPA = 1e-6
"""|κ| / √(e g) up to which the published step does not move."""

# Figures -----------------------------------------------------------------------------------------

DRAWN = 1e-12
"""Part of the largest value below which a curve is drawn at this height: what is smaller is
rounding, and would only flatten the rest."""

DRAWN_DISTANCE = 1e-9
"""Distances below are drawn at this height: the formula for them cancels."""

REACHED_TRUTH = 1e-2
"""Distance below which the words of a figure count a trial as having reached the truth."""

ROUND_EXPONENT = 1e-9
"""log₁₀ of a tick this close to a whole number is a power of ten."""

SMALLEST_WINDOW = 1e-3
"""Side below which a window of the plane is not made smaller."""

PRINTED_RIP = 1e-6
"""By which a RIP bound must exceed a printed one: six digits are printed."""

SAME_RATE = 1e-9
"""Difference of two rates that are the same fraction of starts."""

ADMISSIBLE = 1e-12
"""Weights of a certificate lie on their curve to this: rounding of two powers and their sum."""

# Rivals ------------------------------------------------------------------------------------------

LBFGS_FALL, LBFGS_GRADIENT = 1e-14, 1e-10
"""L-BFGS ends where h falls by less than this, or a slope is less, both in units of h(0): it never
ends before `SOLVED` is reached, and soon after it has come to a spurious minimum."""

FALL_ON_A_LINE = 1e-8
"""Fall of h along a line, relative to h, that counts as one: far above rounding."""

LIFTED_FALL = 1e-6
"""Fall of h^l in a step, relative to h^l, below which an explicit lifted descent has stalled; and
h^l, relative to h^l(0), from which on the rest is done in matrix space."""

# Budget ------------------------------------------------------------------------------------------

MEMORY_LIMIT = 10**9
"""Bytes that the explicit side may take where nothing else is said: what every laptop has."""
