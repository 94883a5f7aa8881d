"""The command line: parses, calls the library, shows. No logic, and no torch before a command needs it."""

from elmyr.cli.app import main

__all__ = ["main"]
