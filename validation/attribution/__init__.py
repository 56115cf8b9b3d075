"""Why an ansatz differs from the theory: ``check`` asks, ``causes`` answers with numbers, from ``symmetries``,
``frame_potentials`` and the ``gradient_profile``."""
