"""How K scales with L and D: ``exponents``, competing ``models``, and ``statements`` on both."""
