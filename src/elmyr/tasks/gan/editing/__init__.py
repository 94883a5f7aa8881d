"""Editing: what lies between, around and behind the images that a GAN makes, and images of people's own."""

from elmyr.tasks.gan.editing.edits import Edits, check_edits, classes_shown, edits_of, save_edits
from elmyr.tasks.gan.editing.filmstrip import STEPS, check_filmstrip, save_filmstrip, walks
from elmyr.tasks.gan.editing.interpolation import between
from elmyr.tasks.gan.editing.latents import Latents, find_latents

__all__ = [
    "STEPS",
    "Edits",
    "Latents",
    "between",
    "check_edits",
    "check_filmstrip",
    "classes_shown",
    "edits_of",
    "find_latents",
    "save_edits",
    "save_filmstrip",
    "walks",
]
