"""The tabs of the workbench: what each says and asks, for the models that are served."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from elmyr.report.markup import Markup, join, tag
from elmyr.report.words import Words
from elmyr.serving.limits import LARGEST_BODY, MOST_GENERATED, MOST_PHOTO_PIXELS, MOST_PIXELS
from elmyr.training.collapse import COVERED, WON

Models = Sequence[Mapping[str, Any]]
Tab = Callable[[Models, Words], list[Markup]]
LAST_SEED = 2**31 - 1


def _draw(models: Models, words: Words) -> list[Markup]:
    told = words(
        "Draw a digit, or another class that the recognizer knows: it is recognized as you draw. Or upload photos."
    )
    recognizers = _of_kind(models, "recognizer")
    if not recognizers:
        return [tag("p", told), _none_served(words("No recognizer is served."), "recognizer", words)]
    desk = tag(
        "div",
        _model_field("draw", words("Recognizer"), recognizers),
        _pad("draw", words("Drawing surface"), words),
        _photos(words),
        class_="desk",
    )
    reading = tag(
        "div",
        tag("h2", words("Prediction")),
        tag("p", class_="reading", aria_live="polite", data_none=words("Nothing is drawn yet."),
            data_read=words("{label}, with a probability of {probability}")),
        tag("ol", class_="bars", aria_label=words("Probability of each class")),
        tag("p", class_="error", role="alert"),
        tag("ul", class_="photos", aria_label=words("Photos"), data_read=words("{label}, {probability}")),
        tag("h2", words("Input of the recognizer")),
        tag("p", words("Cut out, scaled and centered as its training images were."), class_="quiet how",
            data_photo=words("Brought to the size and channels of its training images."),
            data_opposite=words("The photo is light where the training images are dark, or the reverse. "
                                "If it shows one character on paper, tick the box below “Upload photos”.")),
        tag("div", class_="seen", data_alt=words("The drawing, prepared for the recognizer"),
            data_photo=words("The photo, prepared for the recognizer")),
        tag("h2", words("Nearest training images")),
        tag("p", words("By the recognizer's own features; the nearest come first."), class_="quiet"),
        tag("p", class_="quiet why-none", role="status",
            data_preparing=words("Searching the training images …")),
        tag("ul", class_="nearest", data_alt=words("A training image of class {label}, distance {distance}")),
        class_="results", aria_busy="false",
    )  # fmt: skip
    return [tag("p", told), tag("div", desk, reading, class_="columns")]


def _generate(models: Models, words: Words) -> list[Markup]:
    told = words("Generate images. The same settings and seed give the same images, byte for byte.")
    gans = _of_kind(models, "gan")
    if not gans:
        return [tag("p", told), _none_served(words("No GAN is served."), "train", words)]
    form = tag(
        "form",
        _model_field("generate", words("GAN"), gans),
        _class_field("generate", "class", words("Class"), words("all, in turn")),
        _number("generate", "count", words("How many"), 100, 1, MOST_GENERATED),
        _number("generate", "seed", words("Seed"), 0, 0, LAST_SEED),
        _slider("generate", "truncation", words("Truncation"), 1, 0.05, 1, 0.05,
                words("Less than 1: more typical images, less variety.")),
        _buttons(tag("button", words("Generate"), class_="main"),
                 tag("button", words("The next seed"), type="button", data_do="next")),
        class_="panel",
    )  # fmt: skip
    found = tag(
        "div",
        tag("p", class_="error", role="alert"),
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
    return [tag("p", told), tag("div", form, found, class_="columns")]


def _repair(models: Models, words: Words) -> list[Markup]:
    told = words("Erase a part of an image and see what the restorer fills in; it can give several answers.")
    restorers, gans = _of_kind(models, "restorer"), _of_kind(models, "gan")
    if not restorers:
        return [tag("p", told), _none_served(words("No restorer is served."), "restorer", words)]
    upload = tag(
        "label",
        tag("input", class_="unseen", type="file", accept="image/png,image/jpeg", data_most=MOST_PIXELS,
            data_no_image=words("'{name}' is no image that this browser can open: choose a PNG or JPEG file"),
            data_too_large=words("'{name}' has {pixels} pixels, at most {most} are taken: make it smaller")),
        tag("span", words("Upload a PNG or JPEG")),
        class_="button",
    )  # fmt: skip
    taken = [
        _select("repair", "gan", words("Generated by"), [_option(gan) for gan in gans]),
        _class_field("repair", "class", words("Class"), words("any")),
        tag("button", words("Take a generated image"), type="button", data_do="take"),
    ]
    sources = tag(
        "fieldset",
        tag("legend", words("Begin with")),
        _buttons(tag("button", words("An empty image"), type="button", data_do="empty"), upload),
        tag("div", *taken, class_="taken") if gans else "",
        class_="sources",
    )
    tools = tag(
        "fieldset",
        tag("legend", words("Tool")),
        _radio("repair", "tool", "pen", words("Pen"), checked=True),
        _radio("repair", "tool", "rub", words("Eraser")),
        class_="tools",
    )
    desk = tag(
        "div",
        _model_field("repair", words("Restorer"), restorers),
        sources,
        tools,
        _slider("repair", "width", words("Width"), 9, 2, 40, 1),
        _pad("repair", words("The image to repair"), words),
        class_="desk",
    )
    form = tag(
        "form",
        _slider("repair", "noise", words("Noise"), 0, 0, 1, 0.05,
                words("Standard deviation of the noise (white is 1). The noise is added first; then every pixel is "
                      "repaired.")),
        _number("repair", "answers", words("Answers"), 4, 1, 8),
        _number("repair", "seed", words("Seed"), 0, 0, LAST_SEED),
        _buttons(tag("button", words("Repair"), class_="main")),
        class_="panel",
    )  # fmt: skip
    found = tag(
        "div",
        form,
        tag("p", class_="error", role="alert"),
        tag("p", class_="told quiet", aria_live="polite", data_working=words("The image is being repaired …"),
            data_done=words("Repaired: {count} answers"), data_one=words("Repaired: one answer")),
        tag("div", class_="answers", data_given=words("Given"), data_answer=words("Answer {number}"),
            data_spread=words("Where the answers differ (bright: much)")),
        class_="results", aria_busy="false",
    )  # fmt: skip
    return [tag("p", told), tag("div", desk, found, class_="columns")]


def _between(models: Models, words: Words) -> list[Markup]:
    told = words("Interpolate between two generated images.")
    gans = _of_kind(models, "gan")
    if not gans:
        return [tag("p", told), _none_served(words("No GAN is served."), "train", words)]
    ends = [
        tag(
            "fieldset",
            tag("legend", legend),
            _class_field("between", f"{end}_class", words("Class"), words("any")),
            _number("between", f"{end}_seed", words("Seed"), seed, 0, LAST_SEED),
        )
        for end, legend, seed in (("from", words("From"), 0), ("to", words("To"), 1))
    ]
    form = tag(
        "form",
        _model_field("between", words("GAN"), gans),
        *ends,
        _number("between", "steps", words("Number of images"), 17, 2, 64),
        _buttons(tag("button", words("Interpolate"), class_="main"),
                 tag("button", words("Other seeds"), type="button", data_do="next")),
        class_="panel",
    )  # fmt: skip
    walk = tag(
        "div",
        tag("p", class_="error", role="alert"),
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
    return [tag("p", told), tag("div", form, walk, class_="columns")]


def _runs(models: Models, words: Words) -> list[Markup]:
    heads = [words("Run"), words("Kind"), words("State"), words("Training images processed"), words("Figures")]
    table = tag(
        "div",
        tag("table", tag("thead", tag("tr", *(tag("th", head, scope="col") for head in heads))), tag("tbody")),
        class_="wide table", role="region", aria_label=words("Runs"), tabindex=0, hidden="",
        data_training=words("training"), data_finished=words("finished"), data_stopped=words("stopped"),
        data_collapsed=words("collapsed"),
        data_of=words("{seen} of {budget}"), data_interval=words("{low} to {high}"),
        data_open=words("Open {id}"), data_looked=words("{count} images, feature extractor {extractor}"),
        data_counted=words("{count} {part} images"),
    )  # fmt: skip
    one = tag(
        "div",
        tag("h2", tabindex="-1", data_two=words("{one} beside {other}")),
        _select("runs", "with", words("Compare with"), [tag("option", words("no other"), value="")]),
        tag("p", class_="facts quiet"),
        tag("p", class_="collapse", hidden="", data_won=words(WON), data_covered=words(COVERED)),
        tag("div",
            tag("h3", words("Images over time")),
            tag("label", words("Training images processed"), for_="runs-position"),
            tag("input", id="runs-position", type="range", min="0", max="0", value="0", step="1",
                data_told=words("after {count} images")),
            tag("p", class_="told quiet", aria_live="polite"),
            tag("div", class_="pair", data_alt=words("Images of {name} after {count} images")),
            class_="previews", hidden=""),
        tag("div", class_="figures", data_title=words("Figures"), data_figure=words("figure"),
            data_interval=words("{low} to {high}"), data_yardstick=words("real-data baseline"),
            data_better=words("better when"),
            data_unjudged=words("{name} is not evaluated yet; elmyr evaluate does that."),
            data_unlike=words("These figures cannot be compared: the data, the feature extractor or the number of "
                              "images differ."),
            data_counted=words("{name}: {count} {part} images"),
            data_judged=words("{name}: {count} generated images against the {part} images, feature extractor "
                              "{extractor}")),
        _curves(words),
        class_="one", hidden="",
    )  # fmt: skip
    return [
        tag("p", words("All runs in this folder, with their curves and figures.")),
        tag("p", class_="error", role="alert"),
        _no_runs(words),
        table,
        one,
    ]


def _watch(models: Models, words: Words) -> list[Markup]:
    live = tag(
        "div",
        tag("p", class_="state", aria_live="polite", data_live=words("Training: this page updates by itself."),
            data_finished=words("The training is finished."), data_stopped=words("The training has stopped."),
            data_collapsed=words("The training has collapsed: these images are not fit for use."),
            data_lost=words("The connection to the server is lost; reconnecting …")),
        tag("progress", max="1", value="0", aria_label=words("Training images processed, of the budget")),
        tag("p", class_="rate quiet", data_rate=words("{seen} of {budget} images, {rate} a second, {left} left"),
            data_end=words("{seen} training images processed"), data_minutes=words("{count} min"),
            data_seconds=words("{count} s")),
        tag("div", class_="preview", data_alt=words("Images of {name} after {count} images"),
            data_caption=words("after {count} images")),
        _curves(words),
        class_="live", hidden="",
    )  # fmt: skip
    return [
        tag("p", words("Follow a training live.")),
        _select("watch", "run", words("Run"), []),
        tag("p", class_="error", role="alert"),
        _no_runs(words),
        live,
    ]


TABS: Mapping[str, Tab] = {
    "draw": _draw,
    "generate": _generate,
    "repair": _repair,
    "between": _between,
    "runs": _runs,
    "watch": _watch,
}


def _of_kind(models: Models, kind: str) -> list[Mapping[str, Any]]:
    return [model for model in models if model["kind"] == kind]


def _none_served(missing: str, kind: str, words: Words) -> Markup:
    """What to do where the tab's kind of model is missing."""
    command, folder = ("train", "gan") if kind == "train" else (f"{kind} train", kind)
    lines = f"elmyr {command} digits --out runs/{folder}\nelmyr serve runs/{folder}"
    told = words("These commands train one on the embedded digits and serve it:")
    return tag("div", tag("p", f"{missing} {told}"), tag("pre", lines), class_="empty")


def _no_runs(words: Words) -> Markup:
    told = words("There is no run in this folder yet. This command makes one:")
    return tag("div", tag("p", told), tag("pre", "elmyr train digits"), class_="empty", hidden="")


def _curves(words: Words) -> Markup:
    more = tag("details", tag("summary", words("More curves")), tag("div", class_="charts"), hidden="")
    return tag("div", tag("h3", words("Curves")), tag("div", class_="charts"), more, class_="curves", hidden="")


def _photos(words: Words) -> Markup:
    """A field for photos, which may also be dropped on the tab."""
    upload = tag(
        "label",
        tag("input", class_="unseen", type="file", accept="image/*", multiple="", data_most=LARGEST_BODY,
            data_pixels=json.dumps(MOST_PHOTO_PIXELS),
            data_no_image=words("'{name}' is no image that this browser can open: choose a PNG or JPEG file")),
        tag("span", words("Upload photos")),
        class_="button",
    )  # fmt: skip
    told = words("Photos of any size, one or more; or drop them here. They stay in this service's memory.")
    paper = tag(
        "label",
        tag("input", type="checkbox", class_="on-paper"),
        " ",
        words("One character on paper: cut it out and center it"),
    )
    return tag("div", _buttons(upload), tag("p", paper), tag("p", told, class_="quiet"), class_="sources")


def _pad(tab: str, label: str, words: Words) -> Markup:
    """A surface to draw on with whatever points, and with the keyboard alone."""
    keys = words(
        "With the keyboard: arrow keys move the pen (with Shift further), the space bar puts it down and lifts it, "
        "Backspace takes the last stroke back, Delete clears."
    )
    return join(
        tag("canvas", label, class_="pad", width=560, height=560, tabindex=0, role="application", aria_label=label,
            aria_describedby=f"{tab}-keys"),
        tag("p", class_="pen unseen", role="status"),
        _buttons(tag("button", words("Undo"), type="button", data_do="undo"),
                 tag("button", words("Clear"), type="button", data_do="clear")),
        tag("p", keys, id=f"{tab}-keys", class_="quiet keys"),
    )  # fmt: skip


def _buttons(*buttons: Markup) -> Markup:
    return tag("div", *buttons, class_="buttons")


def _option(model: Mapping[str, Any]) -> Markup:
    return tag(
        "option",
        str(model["name"]),
        value=str(model["name"]),
        data_classes=json.dumps([str(name) for name in model.get("classes") or []]),
        data_shape=json.dumps(list(model.get("image_shape") or [])),
    )


def _model_field(tab: str, label: str, models: Models) -> Markup:
    return _select(tab, "model", label, [_option(model) for model in models])


def _class_field(tab: str, name: str, label: str, none: str) -> Markup:
    """The script puts the classes of the chosen model in; hidden where it has none."""
    return _select(tab, name, label, [tag("option", none, value="")])


def _select(tab: str, name: str, label: str, options: Sequence[Markup]) -> Markup:
    return _field(tab, name, label, tag("select", *options, id=f"{tab}-{name}", name=name))


def _number(tab: str, name: str, label: str, value: int, low: int, high: int) -> Markup:
    written = tag(
        "input", id=f"{tab}-{name}", name=name, type="number", value=value, min=low, max=high, step=1, required="",
        inputmode="numeric",
    )  # fmt: skip
    return _field(tab, name, label, written)


def _slider(
    tab: str, name: str, label: str, value: float, low: float, high: float, step: float, note: str = ""
) -> Markup:
    here = f"{tab}-{name}"
    told = {"aria_describedby": f"{here}-note"} if note else {}
    slider = tag("input", id=here, name=name, type="range", value=value, min=low, max=high, step=step, **told)
    shown = tag("output", f"{value:g}", for_=here)
    explained = tag("p", note, id=f"{here}-note", class_="quiet") if note else ""
    return _field(tab, name, label, slider, shown, explained)


def _radio(tab: str, name: str, value: str, label: str, *, checked: bool = False) -> Markup:
    chosen = {"checked": ""} if checked else {}
    button = tag("input", type="radio", name=f"{tab}-{name}", value=value, **chosen)
    return tag("label", button, tag("span", label), class_="choice")


def _field(tab: str, name: str, label: str, *control: str) -> Markup:
    return tag("div", tag("label", label, for_=f"{tab}-{name}"), *control, class_=f"field of-{name}")
