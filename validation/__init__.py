"""Where theory and sampling meet: sweeps, verdicts with error rates, reports, and the command line."""

SCHEMA_VERSION = 1
"""Version of every JSON document; raised when a key changes its meaning."""
