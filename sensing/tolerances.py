"""The tolerances of `sensing`, `lifting` and `simulated`, each with its reason.

One meaning has one name and one value. What the comparison calls agreement, and the tolerances of
the claims, stand in `compare/tolerances.py`. ε is the rounding unit of float64, 2.2e-16.
"""

# What a point is ---------------------------------------------------------------------------------

STATIONARY = 1e-8
"""‖∇h(X)‖ in units of its terms, up to which X is a stationary point where a statement needs one.
Polished points have about 1e-15; half of the digits are left for what is computed from X."""

NEARLY_STATIONARY = 1e-3
"""The same for points where gradient descent has ended: the published ones have 1e-4 or so. Above
it `escape_directions` and `verify` warn, and a descent is not stalled but on a plateau."""

POLISHED = 1e-10
"""The same for a point that Newton steps have reached: with this they have converged."""

DESCENDED = 1e-9
"""‖∇h‖ at which a descent ends that a polish follows: Newton steps do the rest."""

OWN_OPERATOR = 1e-6
"""Relative mismatch, above which an operator of a user's own, or a ground truth beside b, is wrong:
float64 leaves 1e-14 or so, single precision 1e-7, and a mistake about 1."""

NONZERO = 1e-6
"""‖X‖ above which the end of a descent is not X = 0, to which some converge, slowly."""

SOLVED = 1e-10
"""A problem is solved at X when h(X) ≤ SOLVED · h(0), h(0) = ½‖b‖². This is the only meaning of
"solved": it can be judged without the truth, and XXᵀ then has about five correct digits."""

NEAR_TRUTH = 1e-2
"""X is near the truth when ‖XXᵀ − ZZᵀ‖ is below this times ‖ZZᵀ‖: one per cent is closer than any
spurious point known, and not so close that a short descent could not reach it."""

NEGATIVE_EIGENVALUE = 1e-12
"""λ_n counts as negative below minus this times the sum of the sizes of its two terms: they cancel
at the truth, where some thousand ε are left of them."""

SMALLEST_MEASUREMENTS, LARGEST_MEASUREMENTS = 1e-150, 1e150
"""‖b‖ for which ½‖b‖², the unit of h, is a float64 with all its digits (1e-308 to 1e308)."""

SMALLEST_SQUARE, LARGEST_SQUARE = 1e-140, 1e140
"""Norms between which the squares of the entries that matter are float64 with all their digits."""

STALLED = 1e-7
"""Fraction of h that a descent must lose over its window, or it has stalled (published value)."""

# Matrix space ------------------------------------------------------------------------------------

SYMMETRIC = 1e-12
"""Asymmetry, relative to the largest entry, up to which given matrices count as symmetric: files
and products of random factors carry some thousand ε."""

SINGULAR = 1e-10
"""Singular values up to this times the largest count as zero: an exactly rank-deficient X̂ that was
polished has 1e-11 or less, because the polish leaves its null directions alone."""

RANK_DEFICIENT = 1e-6
"""The same for points where gradient descent has ended: it only ever comes near a deficient one."""

TIED = 1e-8
"""Eigenvalues of G(X̂) closer than this, relative to the largest, count as tied with λ_n."""

ZERO_CURVATURE = 1e-8
"""Eigenvalues of ∇²h(X̂) up to this times the largest are zero: at a polished point that is
degenerate they are the square root of its rounding."""

EIGENPAIR = 1e-8
"""Residual, relative to ‖G‖, above which an eigenpair that Lanczos returns is refused."""

SUFFICIENT_DECREASE = 1e-4
"""Armijo's constant: the usual one, which accepts nearly every decrease."""

LEAST_SQUARES = 1e-15
"""Tolerances of the least-squares solver when a point is polished: it should go on to rounding."""

# Tensors -----------------------------------------------------------------------------------------

TENSOR_SYMMETRIC = 1e-13
"""Difference of permuted entries, relative to the largest entry, that counts as rounding."""

GRAM_RANK = 1e-12
"""Eigenvalues of the Gram matrix of unit generators below this times the largest count as zero: at
an angle θ with l θ² / 2 below about 1e-12 two generators count as parallel. `lifting` and
`simulated` must draw this line at the same place, or they would descend on different spans."""

CURVATURE_RESIDUAL = 1e-8
"""Residual asked of the least eigenpair of ∇²h^l, relative to its largest eigenvalue."""

CURVATURE_MARGIN = 0.1
"""Fraction of the residual asked for at which Lanczos ends: its own estimate may be too small."""

INVARIANT = 1e-14
"""What is left of a product outside the span of the Lanczos vectors, relative to its length, when
it is rounding: they then span an invariant subspace."""

POWER_SHIFT = 1e-3
"""Part of its own length by which a power iteration is damped: it then moves at flat places too."""

POWER_ITERATION = 1e-9
"""Movement at which the power iteration hands over to Newton steps, which end at rounding."""

# Simulation --------------------------------------------------------------------------------------

PLAIN_GRAM = 1e-3
"""Ratio of Gram eigenvalues down to which float64 loses no more than three digits; below it the
orthonormal basis is computed with 80 digits."""

NOISE = 1e-13
"""A cosine or norm below this is rounding of a few hundred ε."""

VALUE_ROUNDING = 1e-15
"""Rounding of a sum, in units of the sum of its magnitudes: a handful of ε, as terms are few."""

INDEPENDENT = 1e-4
"""Least squared sine between the power of a generator and the span of those kept before it. A
descent meets combinations as small as this; their coefficients are large in turn, and the rounding
of the quartic grows with the square of that ratio: ε / 1e-8."""

MINIMUM_DECREASE = 1e-6
"""Decrease of h, relative to h(X̂), that counts as an escape: less may be mere leftover descent."""

KAPPA_SIGN = 1e-12
"""|κ| up to this times its factors is zero to rounding, and says nothing about the sign of u_n."""

NATURAL_SCALE = 1e-8
"""Cosine of A(X_j X_jᵀ) and b from which a generator is scaled to its best multiple; below it the
best multiple is noise."""

REAL_ROOT = 1e-7
"""|imaginary part| / |root| up to which a root counts as real: a double root splits by √ε."""

FLAT = 1e-12
"""Curvatures below this times the largest are treated as this: dependent generators have zero ones,
along which a Newton step would have no length."""

SMALLEST_COEFFICIENT = 1e-100
"""Coefficients below this times the largest cannot matter, and their inverses must stay finite."""

LONGEST_STEP = 1e60
"""Longer steps, in natural units, are rounding, and their fourth powers must stay finite."""

VALUE_FLOOR = 1e-9
"""Fraction by which a value may seem to lie below h^l = 0 before it is refused as rounding."""

LAST_DIGIT = 1e-12
"""Relative gain at which Newton steps end: the next one would gain its square."""

SPAN_RANK = 1e-14
"""Singular values of the terms of a collapse, relative to the largest, that are rounding."""

LOWER_HEIGHT = 1e-14
"""What a Newton step of the collapse may lose of the height, in units of its terms: rounding."""

COLLAPSE_ROUGH, COLLAPSE_FINE = 1e-4, 1e-8
"""Steps of the power iteration at which Newton takes over: at first, and if Newton then fails."""

SAME_DIRECTION = 1e-3
"""1 − |cosine| up to which two ends of the power iteration are the same maximum."""

WINDOW = 1e-3
"""Relative width at which the bisection for a step-size window ends."""

# The oracle direction ----------------------------------------------------------------------------

FORM_ROUNDING = 1e-13
"""Relative rounding of a d×d matrix N₁, N₂ or P and of its eigenvalues: some hundred ε. One that is
zero by an identity (at X̂ itself, in a kernel, at the truth) is found as large as this."""

LANCZOS_FORM = 1e-9
"""The same where the eigenvalues come from a Lanczos run, which ends at this residual."""

SPHERE_GRADIENT = 1e-13
"""Gradient on the sphere, in units of its terms, at which a minimisation of q_l ends: rounding."""

LBFGS_VALUE = 1e-12
"""Relative fall of the objective at which a descent over moving generators ends: its end is
collapsed and descended from again, so the last digits are not needed."""

LBFGS_GRADIENT = 1e-9
"""The same for the largest entry of the gradient, in units of ‖b‖^{2l} and of the generators."""

LARGE_SPHERE_GRADIENT = 1e-6
"""The same where no matrices are formed and products take long: q_l is then good to its square."""

LMI = 1e-7
"""Eigenvalues of a linear matrix inequality, of order one, when Clarabel ends: at about 1e-9."""
