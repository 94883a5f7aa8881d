"""Generated images to learn from: made without an end, and used in the way that is best."""
