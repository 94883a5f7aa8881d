"""Samples: what is asked of a GAN, and where it is written."""
