"""Attribution: which pixels decide what a recognizer reads or a discriminator believes, and whether a map can tell."""

from typing import TYPE_CHECKING

from elmyr.core.lazy import lazily

if TYPE_CHECKING:
    from elmyr.tasks.recognition.attribution.checking import Check as Check
    from elmyr.tasks.recognition.attribution.checking import check as check
    from elmyr.tasks.recognition.attribution.drawing import draw_explanation as draw_explanation
    from elmyr.tasks.recognition.attribution.explaining import METHOD as METHOD
    from elmyr.tasks.recognition.attribution.explaining import Explanation as Explanation
    from elmyr.tasks.recognition.attribution.explaining import explain as explain
    from elmyr.tasks.recognition.attribution.explaining import explanation as explanation
    from elmyr.tasks.recognition.attribution.methods import METHODS as METHODS
    from elmyr.tasks.recognition.attribution.methods import required_method as required_method
    from elmyr.tasks.recognition.attribution.of_gans import ExplainedGAN as ExplainedGAN
    from elmyr.tasks.recognition.attribution.of_gans import explain_gan as explain_gan

__all__ = [
    "METHOD",
    "METHODS",
    "Check",
    "ExplainedGAN",
    "Explanation",
    "check",
    "draw_explanation",
    "explain",
    "explain_gan",
    "explanation",
    "required_method",
]

# At their first use: who only names a method must not wait for torch.
__getattr__ = lazily(
    __name__,
    {
        "METHOD": "elmyr.tasks.recognition.attribution.explaining",
        "METHODS": "elmyr.tasks.recognition.attribution.methods",
        "Check": "elmyr.tasks.recognition.attribution.checking",
        "Explanation": "elmyr.tasks.recognition.attribution.explaining",
        "check": "elmyr.tasks.recognition.attribution.checking",
        "draw_explanation": "elmyr.tasks.recognition.attribution.drawing",
        "explain": "elmyr.tasks.recognition.attribution.explaining",
        "ExplainedGAN": "elmyr.tasks.recognition.attribution.of_gans",
        "explain_gan": "elmyr.tasks.recognition.attribution.of_gans",
        "explanation": "elmyr.tasks.recognition.attribution.explaining",
        "required_method": "elmyr.tasks.recognition.attribution.methods",
    },
)
