"""Pairs of networks, generator and discriminator: a file each."""
