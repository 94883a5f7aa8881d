"""Generate and interpolate: images of a GAN, and the way from one to another."""

from __future__ import annotations

from elmyr.report.parts.markup import Markup, tag
from elmyr.report.words import Words
from elmyr.serving.http.limits import LARGEST_TRUNCATION, MOST_GENERATED
from elmyr.serving.pages import tab_parts as parts
from elmyr.serving.pages.tab_parts import Models, Tab


def _generate(models: Models, words: Words) -> list[Markup]:
    gans = parts.of_kind(models, "gan")
    form = tag(
        "form",
        parts.model_field("generate", words("GAN"), gans),
        parts.class_field("generate", "class", words("Class"), words("all, in turn")),
        parts.number("generate", "count", words("How many"), 100, 1, MOST_GENERATED),
        parts.number("generate", "seed", words("Seed"), 0, 0, parts.LAST_SEED),
        parts.slider("generate", "truncation", words("Truncation"), 1, 0.05, LARGEST_TRUNCATION, 0.05,
                words("Less than 1: more typical images, less variety; more than 1: the opposite.")),
        parts.buttons(tag("button", words("Generate"), class_="main"),
                 tag("button", words("The next seed"), type="button", data_do="next")),
        parts.steering("generate", gans, words),
        class_="panel",
    )  # fmt: skip
    found = tag(
        "div",
        parts.error_line(),
        tag("p", class_="told quiet", aria_live="polite", data_working=words("The images are being made …"),
            data_made=words("{count} images of seed {seed}"),
            data_made_class=words("{count} images of class {class}, seed {seed}")),
        tag("div", class_="grid"),
        tag("p",
            tag("a", words("Download as PNG"), class_="png", download=""),
            tag("a", words("Download as npz"), class_="npz", download=""),
            tag("a", words("A link to exactly this grid"), class_="link"),
            tag("button", words("Copy the link"), type="button", data_do="copy", data_done=words("Copied")),
            class_="after", hidden=""),
        class_="results", aria_busy="false",
    )  # fmt: skip
    return [tag("div", form, found, class_="columns")]


def _between(models: Models, words: Words) -> list[Markup]:
    gans = parts.of_kind(models, "gan")
    ends = [
        tag(
            "fieldset",
            tag("legend", legend),
            parts.class_field("between", f"{end}_class", words("Class"), words("any")),
            parts.number("between", f"{end}_seed", words("Seed"), seed, 0, parts.LAST_SEED),
        )
        for end, legend, seed in (("from", words("From"), 0), ("to", words("To"), 1))
    ]
    form = tag(
        "form",
        parts.model_field("between", words("GAN"), gans),
        *ends,
        parts.number("between", "steps", words("Number of images"), 17, 2, 64),
        parts.buttons(tag("button", words("Interpolate"), class_="main"),
                 tag("button", words("Other seeds"), type="button", data_do="next")),
        class_="panel",
    )  # fmt: skip
    walk = tag(
        "div",
        parts.error_line(),
        tag("p", class_="told quiet", aria_live="polite", data_working=words("The images are being made …")),
        tag("div", class_="stage", data_alt=words("Interpolated image {number} of {total}")),
        tag("div",
            tag("label", words("Position"), for_="between-place"),
            tag("input", id="between-place", type="range", min="0", max="16", value="0", step="1"),
            tag("button", words("Play"), type="button", data_do="play", data_stop=words("Stop"), aria_pressed="false"),
            tag("p", words("Your system asks for reduced motion: use the slider."), class_="quiet still"),
            class_="walk", hidden=""),
        tag("div", class_="strip"),
        class_="results", aria_busy="false",
    )  # fmt: skip
    return [tag("div", form, walk, class_="columns")]


GENERATE = Tab(
    "Generate",
    "Generate images. The same settings and seed give the same images, byte for byte.",
    _generate,
    kind="gan",
    missing="No GAN is served.",
)
BETWEEN = Tab(
    "Interpolate", "Interpolate between two generated images.", _between, kind="gan", missing="No GAN is served."
)
