"""Formulas of sensing, lifting and simulated, each made wrong by a little."""

from dataclasses import replace
from decimal import Decimal

import numpy as np

from lift_compare import lifting, sensing, simulated
from lift_compare.lifting.forms.distinct import DistinctForm
from lift_compare.lifting.forms.entrywise import EntrywiseForm
from lift_compare.lifting.forms.expansion import ExpandedForm
from lift_compare.lifting.forms.normal import NormalForm
from lift_compare.lifting.forms.pair_products import PairProducts
from lift_compare.lifting.forms.pairs import PairsForm
from lift_compare.lifting.forms.rank_one import RankOneForm
from lift_compare.lifting.forms.residual import ResidualForm
from lift_compare.lifting.forms.symmetric import SymmetricForm, SymmetricPairsForm
from lift_compare.lifting.forms.symmetric_power import DiagonalPower
from lift_compare.lifting.kronecker.hessian import KroneckerHessian
from lift_compare.simulated.points.line import LineQuartic
from lift_compare.simulated.span import orthonormal
from lift_compare.simulated.span.gram import GramData
from lift_compare.simulated.span.log_quartic import LogQuartic
from lift_compare.simulated.span.objective import SpanEvaluation
from lift_compare.simulated.span.quartic import Quartic
from tests.compare.verification.cases import replaced, scaled

LITTLE = 1 + 1e-6


def _second(function, factor=LITTLE):
    """The second of two results wrong."""

    def wrong(*args, **kwargs):
        first, second = function(*args, **kwargs)
        return first, factor * second

    return wrong


def _first(function, factor=LITTLE):
    def wrong(*args, **kwargs):
        first, second = function(*args, **kwargs)
        return factor * first, second

    return wrong


def _unsymmetrised(self, left, right):
    """Forgets that A_ij is (e_i e_jᵀ + e_j e_iᵀ) / 2 where left is not right."""
    if self._dense is None:
        return np.sum(left[..., self._rows, :] * right[..., self._cols, :], -1) * self._values
    return (left @ np.swapaxes(right, -1, -2))[..., self._rows, self._cols] * self._values


def _normal_hessian_without_a_term(self, part, w, direction):
    product = 2 * self._cubic(w, direction, w, *self._N)
    return 2 * (product - self._linear(direction, *self._B))


def _rank_one_hessian_with_3_001(self, w):
    y = self._projected(w)
    return RANK_ONE_PART(self, w) if self._r > 1 else 3.001 * y**2 - self._b_power[:, None]


RANK_ONE_PART = RankOneForm.hessian_part


def _entrywise_hessian_without_a_triple(self, part, w, direction, **_known):
    x, d = w[None], direction[None]
    product = self._cubic([(x, x, d), (x, d, x)], False)[0]
    return 2 * (product - self._linear(direction))


def _cholesky(gram):
    lower = CHOLESKY(gram)
    return lower * (1 + Decimal("1e-6"))


CHOLESKY = orthonormal.cholesky


def _residual_hessian(self, residual, w, direction):
    product = self._adjoint(residual, direction, *self._cores)
    change = 2.00001 * self._measure(w, direction, *self._cores)
    return 2 * (product + self._adjoint(change, w, *self._cores))


def _measured_gram(problem, generators):
    data = MEASURED(problem, generators)
    return replace(data, K=data.K * LITTLE)


MEASURED = GramData.measured


def _compressed(problem, basis):
    small = COMPRESS(problem, basis)
    operator = sensing.DenseOperator(LITTLE * small.operator.matrices())
    return sensing.SensingProblem(operator, small.measurements)


COMPRESS = sensing.compress


def _weights_short_of_the_curve(proof):
    parts = [
        part._replace(weights=(0.9 * part.weights[0], part.weights[1], 0.9 * part.weights[2]))
        for part in proof.parts
    ]
    return replace(proof, parts=tuple(parts))


NOISE = [
    (f"lift_compare.simulated.{module}", "NOISE", 1e-4)
    for module in ("points.curvature", "span.gram", "span.minimum", "span.orthonormal")
]

# Name: the places and their wrong versions, one or several.
SABOTAGE = {
    # sensing
    "dense: measure": [
        (sensing.DenseOperator, "measure", scaled(sensing.DenseOperator.measure, LITTLE))
    ],
    "dense: adjoint": [
        (
            sensing.DenseOperator,
            "adjoint_matmul",
            scaled(sensing.DenseOperator.adjoint_matmul, LITTLE),
        )
    ],
    "entrywise: measure unsymmetrised": [(sensing.EntrywiseOperator, "measure", _unsymmetrised)],
    "entrywise: adjoint": [
        (
            sensing.EntrywiseOperator,
            "adjoint_matmul",
            scaled(sensing.EntrywiseOperator.adjoint_matmul, LITTLE),
        )
    ],
    "entrywise: matrices": [
        (sensing.EntrywiseOperator, "matrices", scaled(sensing.EntrywiseOperator.matrices, LITTLE))
    ],
    "rank-one: measure": [
        (sensing.RankOneOperator, "measure", scaled(sensing.RankOneOperator.measure, LITTLE))
    ],
    "rank-one: adjoint": [
        (
            sensing.RankOneOperator,
            "adjoint_matmul",
            scaled(sensing.RankOneOperator.adjoint_matmul, LITTLE),
        )
    ],
    "objective": [
        (sensing.SensingProblem, "objective", scaled(sensing.SensingProblem.objective, LITTLE))
    ],
    "gradient": [
        (sensing.SensingProblem, "gradient", scaled(sensing.SensingProblem.gradient, LITTLE))
    ],
    "objective_and_gradient: value": [
        (
            sensing.SensingProblem,
            "objective_and_gradient",
            _first(sensing.SensingProblem.objective_and_gradient),
        )
    ],
    "objective_and_gradient: gradient": [
        (
            sensing.SensingProblem,
            "objective_and_gradient",
            _second(sensing.SensingProblem.objective_and_gradient),
        )
    ],
    "hessian_product": [
        (
            sensing.SensingProblem,
            "hessian_product",
            scaled(sensing.SensingProblem.hessian_product, LITTLE),
        )
    ],
    "landscape": [
        (
            sensing.SensingProblem,
            "landscape",
            scaled(sensing.SensingProblem.landscape, LITTLE),
        )
    ],
    "distance": [
        (sensing.SensingProblem, "distance", scaled(sensing.SensingProblem.distance, LITTLE))
    ],
    "relative_gradient_norm": [
        (
            "lift_compare.sensing",
            "relative_gradient_norm",
            scaled(sensing.relative_gradient_norm, LITTLE),
        )
    ],
    "least eigenpairs": [
        (
            "lift_compare.simulated.points.directions",
            "least_eigenpairs",
            replaced(sensing.spectrum.least_eigenpairs, values=lambda v: v * LITTLE),
        )
    ],
    "last singular triplet": [
        (
            "lift_compare.simulated.points.directions",
            "last_singular_triplet",
            replaced(sensing.spectrum.last_singular_triplet, value=lambda v: v * LITTLE),
        )
    ],
    "RIP lower bound": [
        (
            "lift_compare.sensing.rip",
            "rip_lower_bound",
            scaled(sensing.rip_lower_bound, LITTLE),
        )
    ],
    # lifting
    "lift": [
        (lifting.LiftedProblem, "lift", scaled(lifting.LiftedProblem.lift, LITTLE)),
    ],
    "normal form: Hessian": [(NormalForm, "hessian_product", _normal_hessian_without_a_term)],
    "rank-one form: Hessian": [(RankOneForm, "hessian_part", _rank_one_hessian_with_3_001)],
    "rank-one form: value": [(RankOneForm, "value", scaled(RankOneForm.value, LITTLE))],
    "entrywise form: Hessian": [
        (EntrywiseForm, "hessian_product", _entrywise_hessian_without_a_triple)
    ],
    "entrywise form: linear term": [
        (EntrywiseForm, "_linear", scaled(EntrywiseForm._linear, LITTLE))
    ],
    "residual form: Hessian": [(ResidualForm, "hessian_product", _residual_hessian)],
    "residual form: gradient": [
        (
            ResidualForm,
            "value_and_gradient",
            _second(ResidualForm.value_and_gradient),
        )
    ],
    "symmetric form: gradient": [
        (PairProducts, "acting", scaled(PairProducts.acting, LITTLE)),
    ],
    "symmetric form: value": [
        (SymmetricForm, "_half_norm", scaled(SymmetricForm._half_norm, LITTLE)),
    ],
    "symmetric form over pairs: value": [
        (
            SymmetricPairsForm,
            "_value_and_T",
            _first(SymmetricPairsForm._value_and_T),
        )
    ],
    "symmetric form over pairs: diagonal N": [
        (DiagonalPower, "__call__", scaled(DiagonalPower.__call__, LITTLE))
    ],
    "symmetric forms: Hessian": [
        (DistinctForm, "hessian_part", scaled(DistinctForm.hessian_part, LITTLE))
    ],
    "form over pairs: N": [(PairsForm, "_normal", scaled(PairsForm._normal, LITTLE))],
    "expanded forms: value": [(ExpandedForm, "_value", scaled(ExpandedForm._value, LITTLE))],
    "projection": [
        (
            lifting.SpanProjection,
            "__call__",
            scaled(lifting.SpanProjection.__call__, LITTLE),
        )
    ],
    "explicit descent": [
        (
            "lift_compare.lifting",
            "projected_gradient_descent",
            replaced(lifting.projected_gradient_descent, tensor=lambda w: w * LITTLE),
        )
    ],
    "least curvature": [
        (
            "lift_compare.lifting",
            "least_curvature",
            replaced(lifting.least_curvature, value=lambda v: v * 1.001 + 1e-3),
        )
    ],
    "least curvature at a point": [
        (
            "lift_compare.lifting",
            "least_curvature_at_point",
            replaced(lifting.least_curvature_at_point, value=lambda v: v * 1.001 + 1e-3),
        )
    ],
    "Kronecker powers": [
        (KroneckerHessian, "product", scaled(KroneckerHessian.product, 1.001)),
        (KroneckerHessian, "matrix", scaled(KroneckerHessian.matrix, 1.001)),
    ],
    "compress": [("lift_compare.sensing", "compress", _compressed)],
    "best rank one": [
        (
            "lift_compare.lifting",
            "best_rank_one",
            replaced(lifting.best_rank_one, weight=lambda v: v * LITTLE),
        )
    ],
    # simulated
    "Cholesky with 80 digits": [(orthonormal, "cholesky", _cholesky)],
    "noise floor": NOISE,
    "Gram data": [(GramData, "measured", staticmethod(_measured_gram))],
    "span: Gram matrix": [
        (SpanEvaluation, "gram", property(lambda self: self.gram_data.rows @ self.gram_data.rows.T))
    ],
    "span: value": [(Quartic, "value", scaled(Quartic.value, LITTLE))],
    "span: gain": [(Quartic, "gain", scaled(Quartic.gain, LITTLE))],
    "span: gradient": [(Quartic, "gradient", scaled(Quartic.gradient, LITTLE))],
    "span: Hessian": [(Quartic, "gradient_and_hessian", _second(Quartic.gradient_and_hessian))],
    "span: line": [(Quartic, "along", scaled(Quartic.along, LITTLE))],
    "span: log of h^l": [(LogQuartic, "value", _second(LogQuartic.value))],
    "span: log of the gain": [(LogQuartic, "gain", _second(LogQuartic.gain))],
    "span: projected gradient": [
        (
            SpanEvaluation,
            "projected_gradient",
            scaled(SpanEvaluation.projected_gradient, LITTLE),
        )
    ],
    "line": [(LineQuartic, "change", scaled(LineQuartic.change, LITTLE))],
    "descend": [
        (
            "lift_compare.simulated",
            "descend",
            replaced(simulated.descend, coefficients=lambda c: c * LITTLE),
        )
    ],
    "curvature_along": [
        ("lift_compare.simulated", "curvature_along", scaled(simulated.curvature_along, LITTLE))
    ],
    "feasibility score: EFS*": [
        (
            "lift_compare.simulated",
            "feasibility_score",
            replaced(simulated.feasibility_score, exact_score=lambda s: s * LITTLE),
        )
    ],
    "feasibility score: t*": [
        (
            "lift_compare.simulated",
            "feasibility_score",
            replaced(simulated.feasibility_score, score_step=lambda t: t and t * LITTLE),
        )
    ],
    "truncated path": [
        (
            "lift_compare.simulated",
            "truncated_coefficients",
            replaced(simulated.truncated_coefficients, gamma=lambda c: c * LITTLE),
        )
    ],
    "truncation error": [
        ("lift_compare.simulated", "truncation_error", scaled(simulated.truncation_error, LITTLE))
    ],
    "published collapse": [
        (
            "lift_compare.simulated",
            "published_collapse",
            replaced(simulated.published_collapse, point=lambda X: X * LITTLE),
        )
    ],
    "diagonal surrogate": [
        (simulated.DiagonalSurrogate, "value", scaled(simulated.DiagonalSurrogate.value, LITTLE))
    ],
    "collapse": [("lift_compare.simulated", "collapse", scaled(simulated.collapse, LITTLE))],
    "escape": [
        (
            "lift_compare.simulated",
            "escape",
            replaced(simulated.escape, objective_after=lambda h: h * LITTLE),
        )
    ],
    "oracle direction": [
        (
            "lift_compare.simulated",
            "oracle_direction",
            replaced(simulated.oracle_direction, curvatures=lambda c: c * LITTLE),
        )
    ],
    "saddle certificate: weights": [
        (
            "lift_compare.simulated",
            "saddle_order",
            replaced(
                simulated.saddle_order, certificate=lambda c: c and _weights_short_of_the_curve(c)
            ),
        )
    ],
    "saddle certificate: order": [
        (
            "lift_compare.simulated",
            "saddle_order",
            replaced(simulated.saddle_order, certified_below=lambda order: order + 4),
        )
    ],
    "truth witness": [
        (
            "lift_compare.simulated",
            "truth_witness",
            replaced(simulated.truth_witness, order=lambda order: order and order - 2),
        )
    ],
    "leakage": [
        (
            "lift_compare.simulated",
            "leakage",
            replaced(simulated.leakage, leakage=lambda share: share * LITTLE),
        )
    ],
    "lifted gradient by powers": [
        (
            "lift_compare.simulated",
            "leakage",
            replaced(simulated.leakage, log_gradient_norm=lambda log: log + 1e-6),
        )
    ],
}
