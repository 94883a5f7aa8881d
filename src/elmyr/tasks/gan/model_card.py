"""The model card: what a finished run holds, for people who find the folder."""

from elmyr.engine.loop import Outcome
from elmyr.tasks.gan.collapse import Collapse
from elmyr.tasks.gan.config import GANRunConfig


def model_card(config: GANRunConfig, outcome: Outcome, collapse: Collapse | None) -> str:
    """The README.md of a run directory."""
    gan, data = config.gan, config.data
    classes = f"{len(gan.classes)} classes ({', '.join(gan.classes)})" if gan.classes else "no classes"
    warning = f"\n**{collapse.sentence}**\n" if collapse else ""
    return f"""# A GAN for {data.name}, trained by elmyr
{warning}
| | |
| --- | --- |
| makes | {gan.height}x{gan.width} images, {gan.channels} channel(s), {classes} |
| trained on | {data.images:,} images: the training part of `{data.name}`, split by seed {data.split_seed} |
| preset | `{config.preset}`, seed {config.seed} |
| budget | {outcome.images:,} images seen in {outcome.seconds:,.0f} s on {config.device}, {config.precision} |

Use it:

```
elmyr sample RUN -n 1000 --out samples.npz
elmyr evaluate RUN
```

`RUN` is this folder. In Python: `elmyr.GAN.load("RUN").sample(16, label=0)`. `config.json` holds all settings,
`environment.json` the versions and the machine. The images that it makes are not real: say so where you show them.
"""
