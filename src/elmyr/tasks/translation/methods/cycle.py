"""Cycles: there and back again is to be where one was (CycleGAN, Zhu et al. 2017)."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from elmyr.nets import TranslatorNet
from elmyr.tasks.translation.methods.terms import Translate, TranslationMethod, Way


class Cycle(TranslationMethod):
    """The absolute difference after the way there and back; what is of the wanted kind already is to stay as it is."""

    needs_back = True
    about = "unpaired images: translating there and back must change nothing (Zhu et al. 2017)"

    def terms(
        self, way: Way, nets: Mapping[str, TranslatorNet], translate: Translate, random: torch.Generator
    ) -> dict[str, torch.Tensor]:
        """The cycle's term, and that of the identity where it has a weight."""
        returned = translate(way.back, way.made)
        terms = {"cycle": self.choices.cycle * (returned - way.given).abs().mean()}
        if self.choices.identity:
            same = translate(way.name, way.wanted)
            terms["identity"] = self.choices.identity * (same - way.wanted).abs().mean()
        return terms
