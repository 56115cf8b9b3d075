"""Generators that are sums of Pauli strings, one angle for several rotations, on a few qubits: dense linear algebra.

``generators`` turns a circuit into Hermitian generators, one a parameter; ``closure`` has their Lie algebra and its
name; ``module_law`` the mean of K, in the deep limit and at the circuit's own depth.
"""
