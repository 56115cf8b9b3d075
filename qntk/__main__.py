"""``python -m qntk`` is the command line."""

from qntk.validation.commands.main import main

main()
