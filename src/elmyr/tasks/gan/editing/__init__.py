"""Editing: what lies between, around and behind the images that a GAN makes."""

from elmyr.tasks.gan.editing.filmstrip import STEPS, check_filmstrip, save_filmstrip, walks
from elmyr.tasks.gan.editing.interpolation import between

__all__ = ["STEPS", "between", "check_filmstrip", "save_filmstrip", "walks"]
