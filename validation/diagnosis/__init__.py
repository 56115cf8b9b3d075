"""The study of models in training: what the kernel at initialisation foretells, and what training then does."""
