"""What is known at one stationary point X̂.

directions.py         base, visible and hidden direction
kernel_direction.py   one more direction, where X̂ is rank-deficient
curvature.py          curvature of h^l at ŵ along a power
landscape_forms.py    the three quadratic forms of the lifted Hessian at ŵ
power_form.py         q_l, the curvature along powers, on the unit sphere; its derivatives
sphere.py             minimise q_l there by Newton steps, from many starts at once
weight_search.py      the weights that make a combination of the forms positive semidefinite
certificate.py        a proof that no power has negative curvature at an order
oracle.py             the power with the most negative curvature
saddle_order.py       the smallest saddle order, found and proved
witness.py            the ground truth as a direction of negative curvature
line.py               h along a line of matrices, a quartic
feasibility.py        escape feasibility scores of the line along the visible direction
"""
