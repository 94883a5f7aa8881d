"""Image sets: what they are, where they come from, how they are split, shown and written."""

from elmyr.images.dataset.description import Account, save_overview, take_account
from elmyr.images.dataset.given import Data, image_set_of, source_of
from elmyr.images.dataset.imageset import ImageSet, Pixels
from elmyr.images.dataset.ranges import parse_range
from elmyr.images.dataset.shaping import AS_BYTES, AS_IT_IS, Shaping, parse_names, parse_size
from elmyr.images.dataset.sources import Source, image_names, lasting_name, load_images, open_source
from elmyr.images.dataset.split import Splits, split_source
from elmyr.images.decode.image_files import Many
from elmyr.images.pictures.captions import captioned_grid, drawable_names
from elmyr.images.pictures.grid import class_rows, image_grid, save_png
from elmyr.images.storage.stored import StoredPixels
from elmyr.images.writers import Place, check_writable, place_of_part, save_images, save_npz, writing_images
from elmyr.images.writers.convert import convert

__all__ = [
    "AS_BYTES",
    "AS_IT_IS",
    "Account",
    "Data",
    "ImageSet",
    "Many",
    "Pixels",
    "Place",
    "Shaping",
    "Source",
    "Splits",
    "StoredPixels",
    "captioned_grid",
    "check_writable",
    "class_rows",
    "convert",
    "drawable_names",
    "image_grid",
    "image_names",
    "image_set_of",
    "lasting_name",
    "load_images",
    "open_source",
    "parse_names",
    "parse_range",
    "parse_size",
    "place_of_part",
    "save_images",
    "save_npz",
    "save_overview",
    "save_png",
    "source_of",
    "split_source",
    "take_account",
    "writing_images",
]
