"""Draws of circuits: the ``catalogue`` of ansätze, any circuit with an observable (``model``, ``ensemble``), and the
same by Qiskit's ``estimators``, ``aer`` among them."""
