"""Editing: what lies between, around and behind the images that a GAN makes."""

from elmyr.editing.between import between

__all__ = ["between"]
