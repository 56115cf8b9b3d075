"""Numbers with the same bytes on every machine: vectors of eight doubles (``simd``), ``elementary`` functions,
``gaussian`` and other random variates, ``sums`` in a fixed order, ``eigenvalues``, Haar-random ``unitaries``.

Only correctly rounded operations in a fixed order, and no C library, BLAS or LAPACK, which choose by the processor."""
