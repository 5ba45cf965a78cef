"""``python -m chartropy.reports``: the command line."""

from .cli import main

main()
