"""Laws of training, by what becomes of the kernel.

* it stays: ``frozen``, the first correction by the ``meta_kernel``, ``noise_floors``
* it stays, and the networks are many: ``ensembles``, what they predict before one is trained; ``many``, each by a law
  of its own
* its size follows the output variance, in models as they are: ``dressed``
* either, with a loss that is no square: ``own_loss``
* circuits of infinite depth, in closed form: ``one_datum`` (two levels), ``imaginary_time`` (any observable),
  ``riccati`` (several data, two levels), ``double_bracket`` (several data, any observable);
  ``lotka_volterra``, a closure
* finite depth, to first order in (2D-2)/L: ``one_datum`` with a correction, ``finite_depth``; at its end, ``late``
"""
