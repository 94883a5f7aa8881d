"""Image sets: what they are, where they come from, how they are split, shown and written."""

from elmyr.images.grid import class_rows, image_grid, save_png
from elmyr.images.imageset import ImageSet
from elmyr.images.sources import Source, lasting_name, load_images, open_source
from elmyr.images.split import Splits, split_source
from elmyr.images.writers import check_writable, save_images, save_npz

__all__ = [
    "ImageSet",
    "Source",
    "Splits",
    "check_writable",
    "class_rows",
    "image_grid",
    "lasting_name",
    "load_images",
    "open_source",
    "save_images",
    "save_npz",
    "save_png",
    "split_source",
]
