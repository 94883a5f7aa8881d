"""Commands that steer what is generated, and show why something is read as it is."""
