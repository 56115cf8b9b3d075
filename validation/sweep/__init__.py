"""Many cells drawn: the grid and its ``cells``, what they will cost (``plan``), the ``store`` of draws with its
``manifest``, the ``executors`` that draw, and ``progress``."""
