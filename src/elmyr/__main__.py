"""`python -m elmyr`."""

from elmyr.cli import main

main()
