"""What else can be done about small classes: their images repeated, or mixed with each other (imbalanced-learn)."""

from __future__ import annotations

from elmyr.images import ImageSet


def resampled(images: ImageSet, how: str = "random", *, seed: int = 0) -> ImageSet:
    """The images, and after them as many more of each smaller class as make it as large as the largest.

    how: "random" (images repeated) or "smote" (images between an image and one of its five nearest of the class, pixel
    by pixel; Chawla et al. 2002). Of a class with fewer images the neighbors are fewer, the only image of a class is
    repeated; a class without images stays empty. Needs imbalanced-learn. Raises InputError for another `how` and for
    images without labels.
    """
    raise NotImplementedError
