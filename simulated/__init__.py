"""The lifted descent without a lift, from small Gram matrices (docs/theory.md, 3 to 7, 11, 12).

    points/                   what is known at one stationary point: directions, curvature, scores
    span/                     h^l on the span of the directions' powers, and descent on it: exact
    generators/               h^l over matrices that move; its gradient, and what a span leaves out
    truncated/                the published closed form, its collapse and acceptance rules
    escapes/                  one file a method to leave X̂ for a lower point; `escape`
    descent_with_escapes.py   descend, escape, descend again
    roots.py, signed_log.py   real roots of polynomials; numbers as signs and logarithms

Imports go down this list only, from its end to its beginning, and never to `lifting`: each of the
two is the other's oracle.
"""

from .descent_with_escapes import Solution, descend_batch_with_escapes, descend_with_escapes
from .escapes.collapse import collapse
from .escapes.methods import escape
from .escapes.result import Escape, EscapeReason
from .generators.leakage import Leakage, leakage
from .generators.objective import GeneratorObjective
from .points.certificate import (
    CertificatePart,
    CertificateReason,
    SaddleCertificate,
    saddle_certificate,
)
from .points.curvature import curvature_along
from .points.directions import EscapeDirections, NotStationaryWarning, escape_directions
from .points.feasibility import FeasibilityScore, feasibility_score
from .points.oracle import OracleDirection, oracle_direction
from .points.saddle_order import (
    SaddleOrder,
    SaddleOrderReason,
    saddle_order,
    smallest_saddle_order,
)
from .points.witness import TruthWitness, truth_witness
from .span.descent import SpanDescent, descend
from .span.objective import SpanObjective
from .span.phases import classify_exact
from .span.step_window import StepWindow, step_window
from .truncated.acceptance import (
    AcceptanceRule,
    PublishedCollapse,
    published_collapse,
    term_norms,
)
from .truncated.path import TruncatedPath, truncated_coefficients, truncation_error
from .truncated.surrogate import DiagonalSurrogate
from .truncated.windows import TruncatedWindows, truncated_windows

__all__ = [
    "AcceptanceRule",
    "CertificatePart",
    "CertificateReason",
    "DiagonalSurrogate",
    "Escape",
    "EscapeDirections",
    "EscapeReason",
    "FeasibilityScore",
    "GeneratorObjective",
    "Leakage",
    "NotStationaryWarning",
    "OracleDirection",
    "PublishedCollapse",
    "SaddleCertificate",
    "SaddleOrder",
    "SaddleOrderReason",
    "Solution",
    "SpanDescent",
    "SpanObjective",
    "StepWindow",
    "TruncatedPath",
    "TruncatedWindows",
    "TruthWitness",
    "classify_exact",
    "collapse",
    "curvature_along",
    "descend",
    "descend_batch_with_escapes",
    "descend_with_escapes",
    "escape",
    "escape_directions",
    "feasibility_score",
    "leakage",
    "oracle_direction",
    "published_collapse",
    "saddle_certificate",
    "saddle_order",
    "smallest_saddle_order",
    "step_window",
    "term_norms",
    "truncated_coefficients",
    "truncated_windows",
    "truncation_error",
    "truth_witness",
]
