"""The parts of the page of `elmyr articles`."""
