"""Directions: what moves a generated image in a known way, how far, and what stays as it is."""

from elmyr.tasks.gan.directions.collection import FILE, MEASURED, PICTURE, Direction, Directions
from elmyr.tasks.gan.directions.drawing import draw_directions, keep_directions, told_of_directions
from elmyr.tasks.gan.directions.finding import find_directions
from elmyr.tasks.gan.directions.setting import Setting, changes_for

__all__ = [
    "FILE",
    "MEASURED",
    "PICTURE",
    "Direction",
    "Directions",
    "Setting",
    "changes_for",
    "draw_directions",
    "find_directions",
    "keep_directions",
    "told_of_directions",
]
