"""The command line."""

from unmask.cli.check import app, main

__all__ = ["app", "main"]
