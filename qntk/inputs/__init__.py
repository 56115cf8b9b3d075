"""What users bring, read once: the floor on which theory, sampling and validation all stand.

Circuits, observables, draws and configurations each have one reader here, whatever door they came through, and what
cannot be read is refused here in one line; ``messages`` is how such a line reaches a terminal.
"""
