"""h^l and its gradient from their expansion, as the normal, the pairs and the entrywise form do."""

from __future__ import annotations

from typing import Any

from ..backends import inner_product


class ExpandedForm:
    """h^l(w) = ½ (⟨w, C⟩ − 2 ⟨w, L⟩ + ‖b‖^{2l}) and ∇h^l(w) = 2 (C − L).

    C = (A*A)^{⊗l}(⟨P(w), P(w)⟩) on w is the cubic term and L = (A*(b))^{⊗l} on w the linear one.
    Near h^l = 0 the terms of the value cancel: its absolute error is of the order of 1e-16
    ‖b‖^{2l}.
    """

    _b_norm: float  # ‖b‖^{2l}

    def _terms(self, w: Any, **known: bool) -> tuple[Any, Any]:
        """Return C and L at w, both the caller's to change."""
        raise NotImplementedError

    def value(self, w: Any, **known: bool) -> Any:
        """Return h^l(w); `known` holds `symmetric` for a form that asks for it."""
        return self._value(w, *self._terms(w, **known))

    def value_and_gradient(self, w: Any, **known: bool) -> tuple[Any, Any]:
        """Return h^l(w) and ∇h^l(w)."""
        gradient, linear = self._terms(w, **known)
        value = self._value(w, gradient, linear)
        gradient -= linear
        gradient *= 2
        return value, gradient

    def hessian_part(self, w: Any) -> Any:
        """Return what all Hessian products at w share: nothing."""
        return None

    def _value(self, w: Any, cubic: Any, linear: Any) -> Any:
        flat = w.reshape((-1,))
        quartic, quadratic = (inner_product(flat, term.reshape((-1,))) for term in (cubic, linear))
        return (quartic - quadratic * 2 + self._b_norm) * 0.5
