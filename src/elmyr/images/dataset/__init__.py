"""Image sets: what they are, what they are made of, how they are shaped and split."""
