"""Escapes from a spurious stationary point, one file a method.

    result.py        what an attempt found, and why it did not find more
    methods.py       `escape`: the method by name, its settings, and what all methods share
    exact.py         descent on the span of the directions, exact collapse
    truncated.py     the published closed form with its acceptance rules
    single_step.py   the best point of the line along the visible direction
    line_search.py   the lines along both directions
    columns.py       the problem of one column, above rank one
    pair.py          descent over two generators that move
    any_method.py    one method after the other
    collapse.py      the best rank-one approximation of a sum of powers

A method is a frozen dataclass: its fields are its settings, checked when it is made; `attempt`
looks for a lower point. To add one, write such a file and name it in `methods.METHODS`.
"""
