"""Laws of Haar layers: K's mean and variance (``kernel``), ``shape``, ``distribution``, the dQNTK (``dqntk``,
``dqntk_second_moment``), depths and conditions (``concentration``), K between inputs (``kernel_matrix``), layers of
several generators (``layers``, ``boundary``), the symmetric groups
(``symmetric``), and the laws given the final state (``final_state``)."""
