"""The compiled adjoint engine: a circuit's ``program``, its ``gates`` on blocks of eight draws, outputs and gradients
(``adjoint``) and second derivatives (``taylor``)."""
