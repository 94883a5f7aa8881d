"""elmyr: a GAN workbench for image recognition. From a folder of images to an honest verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from elmyr.core.lazy import lazily

if TYPE_CHECKING:
    from elmyr.core.plugins import load_plugin as load_plugin
    from elmyr.core.plugins import register as register
    from elmyr.engine import open_model as open_model
    from elmyr.engine import open_run as open_run
    from elmyr.evaluation import ExtractorSpec as ExtractorSpec
    from elmyr.evaluation import FigureSpec as FigureSpec
    from elmyr.evaluation import compare as compare
    from elmyr.evaluation import evaluate as evaluate
    from elmyr.evaluation.extractors.folders import save_extractor as save_extractor
    from elmyr.exporting import export as export
    from elmyr.images import ImageSet as ImageSet
    from elmyr.images import Shaping as Shaping
    from elmyr.images import load_images as load_images
    from elmyr.studies import study as study
    from elmyr.studies.articles import articles as articles
    from elmyr.studies.resuming import resume as resume
    from elmyr.studies.sweeps import sweep as sweep
    from elmyr.tasks.gan import train as train
    from elmyr.tasks.gan.directions import Directions as Directions
    from elmyr.tasks.gan.directions import find_directions as find_directions
    from elmyr.tasks.gan.editing import Latents as Latents
    from elmyr.tasks.gan.editing import find_latents as find_latents
    from elmyr.tasks.gan.model import GAN as GAN
    from elmyr.tasks.recognition import Recognizer as Recognizer
    from elmyr.tasks.recognition import train_recognizer as train_recognizer
    from elmyr.tasks.recognition.attribution import explain as explain
    from elmyr.tasks.recognition.attribution import explain_gan as explain_gan
    from elmyr.tasks.recognition.counterfactuals import find_counterfactuals as find_counterfactuals
    from elmyr.tasks.restoration import Restorer as Restorer
    from elmyr.tasks.restoration import train_restorer as train_restorer
    from elmyr.tasks.translation import Translator as Translator
    from elmyr.tasks.translation import train_translator as train_translator

__version__ = "0.1.0"

# Loaded at the first use: `elmyr --help` must not wait for torch.
_HOMES = {
    "Directions": "elmyr.tasks.gan.directions",
    "ExtractorSpec": "elmyr.evaluation",
    "FigureSpec": "elmyr.evaluation",
    "GAN": "elmyr.tasks.gan.model",
    "ImageSet": "elmyr.images",
    "Latents": "elmyr.tasks.gan.editing",
    "Recognizer": "elmyr.tasks.recognition",
    "Restorer": "elmyr.tasks.restoration",
    "Shaping": "elmyr.images",
    "Translator": "elmyr.tasks.translation",
    "articles": "elmyr.studies.articles",
    "compare": "elmyr.evaluation",
    "evaluate": "elmyr.evaluation",
    "explain": "elmyr.tasks.recognition.attribution",
    "explain_gan": "elmyr.tasks.recognition.attribution",
    "export": "elmyr.exporting",
    "find_counterfactuals": "elmyr.tasks.recognition.counterfactuals",
    "find_directions": "elmyr.tasks.gan.directions",
    "find_latents": "elmyr.tasks.gan.editing",
    "load_plugin": "elmyr.core.plugins",
    "load_images": "elmyr.images",
    "open_model": "elmyr.engine",
    "open_run": "elmyr.engine",
    "register": "elmyr.core.plugins",
    "resume": "elmyr.studies.resuming",
    "save_extractor": "elmyr.evaluation.extractors.folders",
    "study": "elmyr.studies",
    "sweep": "elmyr.studies.sweeps",
    "train": "elmyr.tasks.gan",
    "train_recognizer": "elmyr.tasks.recognition",
    "train_restorer": "elmyr.tasks.restoration",
    "train_translator": "elmyr.tasks.translation",
}
__all__ = [
    "GAN",
    "Directions",
    "ExtractorSpec",
    "FigureSpec",
    "ImageSet",
    "Latents",
    "Recognizer",
    "Restorer",
    "Shaping",
    "Translator",
    "articles",
    "compare",
    "evaluate",
    "explain",
    "explain_gan",
    "export",
    "find_counterfactuals",
    "find_directions",
    "find_latents",
    "load_images",
    "load_plugin",
    "open_model",
    "open_run",
    "register",
    "resume",
    "save_extractor",
    "study",
    "sweep",
    "train",
    "train_recognizer",
    "train_restorer",
    "train_translator",
]


__getattr__ = lazily(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
