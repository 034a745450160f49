"""Do the real lifted descent and its simulations take the same way? At one point and one order.

comparison.py  `compare_directions`: every number from both sides
descents.py    explicit and exact descent side by side: how far they agree, where they diverge
progress.py    a bar whose estimate follows the predicted operations
result.py      `DirectionComparison`: what was found, and the verdict
"""
