"""Numbers with the same bytes on every machine: vectors of eight doubles (``simd``), ``elementary`` functions,
``gaussian`` and other random variates, ``sums`` in a fixed order, ``eigenvalues``, Haar-random ``unitaries``.

Only correctly rounded operations in a fixed order, and no C library, BLAS or LAPACK, which choose by the processor."""

from pathlib import Path

from qntk.inputs.machine import keep_compiled_code

keep_compiled_code(Path(__file__).parent)
