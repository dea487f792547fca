"""Detection of objects as points, exact whatever blocks they are found from; and how good it is.

`blobs` are maxima of the Laplacian of Gaussian; `spheres` are matched greedily, and `settling` does
what blocks leave open. `mixture` makes probabilities of a histogram. `matching` scores what was
found, `files` keep it, and `simulated` makes volumes of which all cells are known.
"""
