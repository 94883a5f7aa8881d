"""Runs and live training: what was trained in a folder, and what is being trained."""

from __future__ import annotations

from elmyr.report.parts.markup import Markup, tag
from elmyr.report.words import Words
from elmyr.serving.pages import tab_parts as parts
from elmyr.serving.pages.tab_parts import Models, Tab
from elmyr.tasks.gan.collapse import COVERED, WON


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
        parts.select("runs", "with", words("Compare with"), [tag("option", words("no other"), value="")]),
        tag("p", class_="facts quiet"),
        tag("p", class_="reports", data_one=words("Report"), data_of=words("Report of {id}")),
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
            data_unjudged=words("{name} is not evaluated yet; {command} does that."),
            data_unlike=words("These figures cannot be compared: the data, the feature extractor or the number of "
                              "images differ."),
            data_counted=words("{name}: {count} {part} images"),
            data_judged=words("{name}: {count} generated images against the {part} images, feature extractor "
                              "{extractor}")),
        _curves(words),
        class_="one", hidden="",
    )  # fmt: skip
    return [
        parts.error_line(),
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
        parts.select("watch", "run", words("Run"), []),
        parts.error_line(),
        _no_runs(words),
        live,
    ]


def _no_runs(words: Words) -> Markup:
    told = words("There is no run in this folder yet. This command makes one:")
    return tag("div", tag("p", told), tag("pre", "elmyr train digits"), class_="empty", hidden="")


def _curves(words: Words) -> Markup:
    more = tag("details", tag("summary", words("More curves")), tag("div", class_="charts"), hidden="")
    return tag("div", tag("h3", words("Curves")), tag("div", class_="charts"), more, class_="curves", hidden="")


RUNS = Tab("Runs", "All runs in this folder, with their curves and figures.", _runs)
WATCH = Tab("Live training", "Follow a training live.", _watch)
