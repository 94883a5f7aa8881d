"""Editing: what lies between, around and behind the images that a GAN makes."""

from elmyr.editing.between import between
from elmyr.editing.filmstrip import STEPS, check_filmstrip, save_filmstrip, walks

__all__ = ["STEPS", "between", "check_filmstrip", "save_filmstrip", "walks"]
