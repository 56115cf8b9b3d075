"""Draws of Haar layers: by random frames (``layers``, ``cross``, ``dqntk``), and ``dense`` as a check of them."""
