"""Moments of several copies of one circuit at the same random angles, exact, by their Pauli strings.

* ``turns``: the circuit as signed rotations, by angles that are free, fixed, or data
* ``domain_walls``: two copies of a brickwork at any number of qubits, by walls between identity and swap
* ``outputs``: two copies at two data: means, covariances and the mean kernel matrix of a model's outputs
* ``brickwork_square``: four copies of a brickwork, by their permutations: E K², and one gradient's E g⁴
* ``kernel_square``: four copies: E K², so the variance of a given circuit's kernel
"""
