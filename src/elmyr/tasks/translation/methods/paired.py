"""Pairs: what is made is to be near the image that belongs to it (pix2pix, Isola et al. 2017)."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from elmyr.nets import TranslatorNet
from elmyr.tasks.translation.methods.terms import Translate, TranslationMethod, Way


class Paired(TranslationMethod):
    """The absolute difference from the pair; the discriminator sees an image beside what it was made from."""

    paired = True
    about = "paired images: close to the target image, and realistic beside the source (Isola et al. 2017)"

    def terms(
        self, way: Way, nets: Mapping[str, TranslatorNet], translate: Translate, random: torch.Generator
    ) -> dict[str, torch.Tensor]:
        """The mean absolute difference of what was made and what belongs there."""
        return {"pixels": self.choices.pixels * (way.made - way.wanted).abs().mean()}
