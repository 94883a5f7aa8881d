"""elmyr: a GAN workbench for image recognition. From a folder of images to an honest verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from elmyr.lazy import lazily

if TYPE_CHECKING:
    from elmyr.evaluation import ExtractorSpec as ExtractorSpec
    from elmyr.evaluation import FigureSpec as FigureSpec
    from elmyr.evaluation import compare as compare
    from elmyr.evaluation import evaluate as evaluate
    from elmyr.gan import GAN as GAN
    from elmyr.images import ImageSet as ImageSet
    from elmyr.images import Shaping as Shaping
    from elmyr.images import load_images as load_images
    from elmyr.plugins import load_plugin as load_plugin
    from elmyr.plugins import register as register
    from elmyr.recognition import Recognizer as Recognizer
    from elmyr.recognition import train_recognizer as train_recognizer
    from elmyr.restoration import Restorer as Restorer
    from elmyr.restoration import train_restorer as train_restorer
    from elmyr.resuming import resume as resume
    from elmyr.studies import study as study
    from elmyr.training import open_model as open_model
    from elmyr.training import open_run as open_run
    from elmyr.training import train as train
    from elmyr.translation import Translator as Translator
    from elmyr.translation import train_translator as train_translator

__version__ = "0.1.0"

# Loaded at the first use: `elmyr --help` must not wait for torch.
_HOMES = {
    "ExtractorSpec": "elmyr.evaluation",
    "FigureSpec": "elmyr.evaluation",
    "GAN": "elmyr.gan",
    "ImageSet": "elmyr.images",
    "Recognizer": "elmyr.recognition",
    "Restorer": "elmyr.restoration",
    "Shaping": "elmyr.images",
    "Translator": "elmyr.translation",
    "compare": "elmyr.evaluation",
    "evaluate": "elmyr.evaluation",
    "load_plugin": "elmyr.plugins",
    "load_images": "elmyr.images",
    "open_model": "elmyr.training",
    "open_run": "elmyr.training",
    "register": "elmyr.plugins",
    "resume": "elmyr.resuming",
    "study": "elmyr.studies",
    "train": "elmyr.training",
    "train_recognizer": "elmyr.recognition",
    "train_restorer": "elmyr.restoration",
    "train_translator": "elmyr.translation",
}
__all__ = [
    "GAN",
    "ExtractorSpec",
    "FigureSpec",
    "ImageSet",
    "Recognizer",
    "Restorer",
    "Shaping",
    "Translator",
    "compare",
    "evaluate",
    "load_images",
    "load_plugin",
    "open_model",
    "open_run",
    "register",
    "resume",
    "study",
    "train",
    "train_recognizer",
    "train_restorer",
    "train_translator",
]


__getattr__ = lazily(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
