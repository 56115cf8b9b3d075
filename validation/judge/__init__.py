"""From draws and a law to a verdict: ``claims``, the evidence for them (``estimates``, ``pivots``, ``sup_distance``),
``verdicts`` with their error rates, families of them (``step_down``), and how many draws they need (``design``)."""
