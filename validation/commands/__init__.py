"""The commands of ``qntk``, by task; each imports what it needs when it runs, so that ``--help`` is fast."""
