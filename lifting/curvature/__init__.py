"""The least curvature of the lifted objective, with its direction.

at_point.py      at a lifted point, over all tensors or symmetric ones
at_tensor.py     at any tensor
result.py        the eigenpair that both return
"""
