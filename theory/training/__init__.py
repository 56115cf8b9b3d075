"""Laws of training: with a ``frozen`` kernel, its first correction by the ``meta_kernel``, and ``noise_floors``."""
