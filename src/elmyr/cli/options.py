"""The options that several commands share."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

Data = Annotated[
    str,
    typer.Argument(metavar="DATA", help="A known name, such as digits or mnist, or a path; see: elmyr data --help."),
]
Run = Annotated[str, typer.Argument(metavar="RUN", help="A run directory, or latest: the newest under runs/.")]
DataRoot = Annotated[
    Path | None,
    typer.Option(help="Folder that holds mnist/ and other named data sets.", envvar="ELMYR_DATA"),
]
Moved = Annotated[
    list[str],
    typer.Option("--data", metavar="NEW", help="Where its images are now (a translator's: twice, of A and of B)."),
]
Out = Annotated[Path | None, typer.Option(help="Directory to create (default: the next number).")]
Preset = Annotated[str, typer.Option(help="Preset of settings; see: elmyr presets.")]
Seed = Annotated[int, typer.Option(help="Seed of the split, the weights and all random choices.", min=0)]
Settings = Annotated[
    list[str],
    typer.Option("--set", metavar="NAME=VALUE", help="Change a setting of the GANs, such as penalties.r1=2."),
]
Checkpoint = Annotated[
    str | None, typer.Option(help="latest, best, or a number of images, such as 100k; also of an unfinished run.")
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 …")]
Precision = Annotated[str, typer.Option(help="auto, bf16 or fp32.")]
Threads = Annotated[
    str,
    typer.Option(metavar="auto|N", help="How many compute; auto: the quickest of one, half and all cores, measured."),
]
Where = Annotated[
    str,
    typer.Option("--cluster", metavar="local|ray|ray://HOST:PORT", help="Who does it: processes here, or Ray's tasks."),
]
KeepGoing = Annotated[bool, typer.Option("--keep-going", help="Keep training, unsaved, if the disk is full.")]
Track = Annotated[str | None, typer.Option(help="Figures and previews also for a viewer: tensorboard or trackio.")]
Language = Annotated[str, typer.Option("--lang", help="en or zh (中文).")]
Average = Annotated[
    int,
    typer.Option(help="Mean over so many views: the image, and small changes of it.", min=1, show_default=False),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no messages.")]
AsJson = Annotated[bool, typer.Option("--json", help="The result as JSON on one line.")]


class Part(StrEnum):
    """A part of a split."""

    test = "test"
    validation = "validation"
    train = "train"


class Fit(StrEnum):
    """What gives where proportions differ."""

    crop = "crop"
    pad = "pad"
    stretch = "stretch"


LabelColumn = Annotated[
    str | None, typer.Option(metavar="NAME", help="The column of labels in a table, parquet or .json files.")
]


def _shaping_options(
    size: Annotated[str | None, typer.Option(metavar="S|HxW", help="Resize the images, as 28 or 28x32.")] = None,
    fit: Annotated[
        Fit, typer.Option(help="Where proportions differ: crop the middle, pad with black, stretch.")
    ] = Fit.crop,
    channels: Annotated[int | None, typer.Option(help="1 for gray, 3 for RGB.", min=1, max=3)] = None,
    label_column: LabelColumn = None,
    value_range: Annotated[
        str | None,
        typer.Option("--range", metavar="LOW:HIGH", help="The values that are black and white, as 0:4095."),
    ] = None,
    classes: Annotated[str | None, typer.Option(metavar="A,B,…", help="Only these classes.")] = None,
    limit: Annotated[
        int | None, typer.Option(help="At most so many images, with the classes in proportion.", min=1)
    ] = None,
    folds: Annotated[
        int | None, typer.Option(help="Cross-validation: the test part is one of so many folds, by the seed.", min=2)
    ] = None,
    images_per_class: Annotated[
        int | None, typer.Option(help="At most so many training images per class.", min=1)
    ] = None,
    imbalance: Annotated[
        float | None, typer.Option(help="Long tail: the first class has so many times the images of the last.")
    ] = None,
    label_noise: Annotated[float, typer.Option(help="The share of training images given a wrong label.")] = 0.0,
    labels_per_class: Annotated[
        int | None, typer.Option(help="At most so many labeled training images per class.", min=1)
    ] = None,
) -> Any:
    """What is made of the data, as one value."""
    from elmyr.core.errors import InputError
    from elmyr.images import Shaping, parse_names, parse_range, parse_size

    if imbalance is not None and not 1 <= imbalance < float("inf"):
        raise InputError(f"--imbalance is {imbalance}: it is at least 1")
    if not 0 <= label_noise < 1:
        raise InputError(f"--label-noise is {label_noise}: it is a share, from 0 to below 1")
    return Shaping(
        size=None if size is None else parse_size(size),
        fit=fit.value,
        channels=of_channels(channels),
        label_column=label_column,
        range=None if value_range is None else parse_range(value_range),
        classes=parse_names(classes) if classes else (),
        limit=limit,
        folds=folds,
        images_per_class=images_per_class,
        imbalance=imbalance,
        label_noise=label_noise,
        labels_per_class=labels_per_class,
    )


def computing(command: Callable[..., None]) -> Callable[..., None]:
    """A command with the option --threads after --device: what it computes, it computes on so many."""
    known = inspect.signature(command, eval_str=True).parameters

    def computed(**words: Any) -> None:
        from elmyr.core.threads import computing as on_threads

        with on_threads(words.pop("threads")):
            command(**words)

    threads = inspect.Parameter("threads", inspect.Parameter.POSITIONAL_OR_KEYWORD, default="auto", annotation=Threads)
    parameters = [one for each, one in known.items() for one in ([one, threads] if each == "device" else [one])]
    return _as_typer_reads(computed, command, parameters)


def clustered(command: Callable[..., None]) -> Callable[..., None]:
    """A command with the option --cluster after --processes: its pieces of work are done there."""
    known = inspect.signature(command, eval_str=True).parameters

    def conducted(**words: Any) -> None:
        from elmyr.studies.work.cluster import on_cluster

        with on_cluster(words.pop("cluster")):
            command(**words)

    cluster = inspect.Parameter("cluster", inspect.Parameter.POSITIONAL_OR_KEYWORD, default="local", annotation=Where)
    parameters = [one for each, one in known.items() for one in ([one, cluster] if each == "processes" else [one])]
    return _as_typer_reads(conducted, command, parameters)


def shaped(command: Callable[..., None]) -> Callable[..., None]:
    """A command that takes a `shaping` with the options for it in that place, but for those that it has itself."""
    return _with_shaping(command, without=())


def formed(command: Callable[..., None]) -> Callable[..., None]:
    """As `shaped`, for a command that does nothing with a training part: without the options that thin one."""
    return _with_shaping(command, without=("images_per_class", "imbalance", "label_noise", "labels_per_class"))


def _with_shaping(command: Callable[..., None], without: Sequence[str]) -> Callable[..., None]:
    return spread(command, "shaping", _shaping_options, without)


def spread(
    command: Callable[..., None], name: str, options: Callable[..., Any], without: Sequence[str] = ()
) -> Callable[..., None]:
    """A command with the parameters of `options` in the place of the one of this `name`, which is what they give.

    Those that the command has itself, and those left out by `without`, keep their defaults.
    """
    of_command = inspect.signature(command, eval_str=True).parameters
    known = inspect.signature(options, eval_str=True).parameters
    added = {each: option for each, option in known.items() if each not in of_command and each not in without}

    def parsed(**words: Any) -> None:
        command(**{name: options(**{each: words.pop(each) for each in added})}, **words)

    parameters = [
        one for each, parameter in of_command.items() for one in (added.values() if each == name else [parameter])
    ]
    return _as_typer_reads(parsed, command, parameters)


def _as_typer_reads(
    made: Callable[..., None], command: Callable[..., None], parameters: Sequence[inspect.Parameter]
) -> Callable[..., None]:
    """What was made of a command, under its name and with these parameters."""
    made.__doc__, made.__name__ = command.__doc__, command.__name__
    made.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what typer reads
    made.__annotations__ = {one.name: one.annotation for one in parameters}
    return made


def of_channels(number: int | None) -> Literal[1, 3] | None:
    """A number of channels; InputError for what no image has."""
    from elmyr.core.errors import InputError

    if number == 2:
        raise InputError("--channels is 2: give 1 for gray or 3 for RGB")
    return None if number is None else 1 if number == 1 else 3


def several(text: str | None, name: str, kind: type[int] | type[float]) -> list[Any] | None:
    """`5,10,all` as [5, 10, None]: numbers above 0, each once, and `all` for none of the trouble; None without any."""
    from elmyr.core.errors import InputError

    if text is None:
        return None
    values: list[Any] = []
    for word in text.split(","):
        try:
            value = None if word.strip() == "all" else kind(word)
        except ValueError:
            value = 0
        if value is not None and not 0 < value < float("inf"):
            raise InputError(f"--{name} is '{text}': give numbers above 0 with commas between, and all for the whole")
        values.append(value)
    return values


def image_count(text: str | None, option: str = "--images") -> int | None:
    """`200000`, `200k` or `1.5M` as a number; InputError that names the option otherwise."""
    from elmyr.core import amounts

    return amounts.image_count(text, option)
