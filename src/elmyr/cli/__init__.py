"""The command line: parses, calls the library, shows. No logic, and no torch before a command needs it."""

import sys

INTERRUPTED = 130  # the exit code of Ctrl-C


def main() -> None:
    """Runs the program; ends the process with the documented exit code."""
    try:
        from elmyr.cli.app import main as run
    except KeyboardInterrupt:  # on a busy machine half a second passes until here
        print("elmyr: stopped", file=sys.stderr)
        sys.exit(INTERRUPTED)
    run()


__all__ = ["main"]
