"""Validates the theory of the quantum neural tangent kernel against Monte Carlo, with stated error rates."""
