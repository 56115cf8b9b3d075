"""Laws of a given circuit: the exact mean of K by ``pauli_paths``, and ``brickwork`` of random two-qubit gates."""
