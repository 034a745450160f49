"""What is known at one stationary point X̂.

directions.py         base, visible and hidden direction
kernel_direction.py   one more direction, where X̂ is rank-deficient
curvature.py          curvature of h^l at ŵ along a power, smallest saddle order
line.py               h along a line of matrices, a quartic
feasibility.py        escape feasibility scores of the line along the visible direction
"""
