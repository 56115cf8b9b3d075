"""The validator, validated: its error rates where the truth is known (``trials``, ``promises``), and planted faults
that it must catch (``controls``)."""
