"""Variation: how images of one class differ, learned where there are many, for classes that have few.

After DAGAN (Antoniou, Storkey & Edwards 2017). The way of the data:

    labeled images of classes that have many         (another set, or the large classes of one's own)
      -> groups: an image, and two others of its class                                        `groups`
      -> the game: a discriminator tells groups from groups of the same image and two variations of it,
         which a generator makes of the image and a latent each                               `task`
      -> the generator's moving average: a `Variator`, which knows no class                   `variator`
    labeled images of small or new classes
      -> `Variator.vary` -> an image set, the classes in equal numbers, each variation labeled as what it was made of
      -> a recognizer's `fit(…, generated=(images, labels))`, as images of any GAN

In a group of real images nothing is a copy, nothing of another class, and no two are alike: a variation that is its
image again, that leaves the class, or that does not hear the latent, gives a group away.
"""

from typing import TYPE_CHECKING

from elmyr.core.lazy import lazily

if TYPE_CHECKING:
    from elmyr.tasks.variation.learning import learn_variations as learn_variations
    from elmyr.tasks.variation.variator import Variator as Variator

__all__ = ["Variator", "learn_variations"]

__getattr__ = lazily(
    __name__,
    {
        "Variator": "elmyr.tasks.variation.variator",
        "learn_variations": "elmyr.tasks.variation.learning",
    },
)
