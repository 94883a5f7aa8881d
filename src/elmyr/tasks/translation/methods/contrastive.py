"""Contrast: a place of what was made is to be like the same place of what it was made from (CUT, Park et al. 2020)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn
from torch.nn import functional as F

from elmyr.core import machine
from elmyr.nets import TranslatorNet
from elmyr.tasks.translation.config import TranslatorChoices
from elmyr.tasks.translation.methods.terms import Translate, TranslationMethod, Way

PLACES = 49  # of each level, that are told from each other
ENTRIES = 32
TEMPERATURE = 0.07


class Contrastive(TranslationMethod):
    """Among places of the image, the one that a made place came from is to be told by its features."""

    about = "unpaired images, one way: each patch must match its source patch (Park et al. 2020); lighter"

    def __init__(self, choices: TranslatorChoices, channels: int) -> None:
        super().__init__(choices, channels)
        self.heads = nn.ModuleList(
            nn.Sequential(nn.Linear(width, ENTRIES), nn.ReLU(), nn.Linear(ENTRIES, ENTRIES)) for width in choices.widths
        )

    def terms(
        self, way: Way, nets: Mapping[str, TranslatorNet], translate: Translate, random: torch.Generator
    ) -> dict[str, torch.Tensor]:
        """The contrast of what was made with what it was made from; and of what is kept with itself, by `identity`."""
        net = nets[way.name]
        terms = {}
        if self.choices.contrast:
            terms["contrast"] = self.choices.contrast * self._apart(net, way.given, way.made, random)
        if self.choices.identity:
            same = translate(way.name, way.wanted)
            terms["identity"] = self.choices.identity * self._apart(net, way.wanted, same, random)
        return terms

    def _apart(
        self, net: TranslatorNet, given: torch.Tensor, made: torch.Tensor, random: torch.Generator
    ) -> torch.Tensor:
        """The mean cross-entropy of finding each place of `made` again among those of `given`."""
        both = net.encode(torch.cat([given, made]))
        losses = []
        for features, head in zip(both, self.heads, strict=True):
            places = features.shape[2] * features.shape[3]
            chosen = machine.to_device(torch.randperm(places, generator=random)[:PLACES], features.device)
            sampled = features.flatten(2).index_select(2, chosen).transpose(1, 2)
            keys, queries = F.normalize(head(sampled), dim=-1).chunk(2)
            scores = queries @ keys.transpose(1, 2) / TEMPERATURE
            right = torch.arange(len(chosen), device=scores.device).expand(len(scores), -1)
            losses.append(F.cross_entropy(machine.full_precision(scores.flatten(0, 1)), right.flatten()))
        return torch.stack(losses).mean()
