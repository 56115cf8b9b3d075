"""Laws of a given circuit: the mean of K by ``pauli_paths``, its deep limit by ``orbit_law``, and ``brickwork``.

What a circuit makes of a Pauli string stands in ``clifford_frame`` (gate by gate) and ``moves`` (over and over); where
strings can go in ``orbits`` (listed) and ``quadrics`` on ``spaces`` (in closed form). Several copies at the same angles
are in ``copies``; ``sums`` has generators that are sums of strings, on a few qubits.
"""
