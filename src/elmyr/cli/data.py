"""The commands about data: what there is in it, and from one form into another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from elmyr.cli.helping.helped import Commands
from elmyr.cli.options import AsJson, Data, DataRoot, LabelColumn, Quiet, shaped
from elmyr.cli.show import say, show_json, show_table

data = Commands(
    help="Inspect an image set, or convert it to another format.",
    epilog="DATA is a known name (digits, mnist, fashion-mnist, kmnist, emnist-letters, emnist-digits, "
    "emnist-balanced, usps, cifar10; digits-thick, mnist-m and their like) or a path: "
    "a folder of images or of class folders (or with a table of labels), "
    "IDX files, an .npz, .npy, .parquet or .tar file, or a folder of such shards.",
    invoke_without_command=True,
)


@data.callback()
def _help(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())


@data.command("info")
def info(
    source: Data,
    grid: Annotated[Path | None, typer.Option(help="Also a .png with some images of each class.")] = None,
    label_column: LabelColumn = None,
    data_root: DataRoot = None,
    as_json: AsJson = False,
) -> None:
    """Show what is in an image set: counts, sizes, classes, duplicates, and what is odd."""
    from elmyr.core.errors import InputError
    from elmyr.images import check_writable, save_overview, take_account

    if grid is not None:
        if grid.suffix.lower() != ".png":
            raise InputError(f"cannot draw images as '{grid}': give it the suffix .png")
        check_writable(grid)
    account = take_account(source, data_root, label_column)
    if grid is not None:
        save_overview(account, source, grid, data_root, label_column)
    if as_json:
        show_json(account.as_json())
        return
    print(f"{account.name}")
    parts = [("training", account.train)] + ([("test", account.test)] if account.test is not None else [])
    for name, part in parts:
        print(f"\n{part.count:,} {name} images")
        rows = [
            ["height x width", _counted(part.sizes)],
            ["modes", _counted(part.modes)],
            ["pixels", f"{part.lowest} to {part.highest}, mean {part.mean:.1f}"],
            ["duplicates", _duplicates(part)],
        ]
        if (near := part.odd.near_duplicates).count:
            rows.append(["near-duplicates", f"{near.count:,} ({near})"])
        if part.classes:
            rows.insert(2, [f"{len(part.classes)} classes", _counted(part.classes, most=20)])
        if part.labels_from:
            rows.append(["labels from", part.labels_from])
        if part.unreadable:
            rows.append(["unreadable", part.unreadable])
        show_table(rows)
    print("\nNothing odd." if not account.oddities else "\nOdd:")
    for sentence in account.oddities:
        print(f"- {sentence}")
    if account.notes:
        print("\nNotes:")
    for sentence in account.notes:
        print(f"- {sentence}")


@data.command("convert")
@shaped
def convert(
    source: Annotated[str, typer.Argument(metavar="DATA", help="A known name or a path.")],
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="An .npz, .parquet, .tar or .png file, or a folder (no suffix).")
    ],
    data_root: DataRoot = None,
    shaping: Any = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Convert an image set to another format, size or number of channels, or take a part of it."""
    from elmyr.images import convert as convert_images

    written = convert_images(source, out, data_root=data_root, shaping=shaping)
    if as_json:
        show_json({"written": [str(path) for path in written]})
    elif not quiet:
        say(f"written: {', '.join(map(str, written))}")
        say(f"next:  elmyr data info {written[0]}")


def _counted(counts: dict[str, int], most: int = 5) -> str:
    from elmyr.images.decode.encoded import shown

    known = [
        f"{shown(name)}: {count:,}" if len(counts) > 1 else shown(name) for name, count in list(counts.items())[:most]
    ]
    return ", ".join(known) + (f", … ({len(counts) - most} more)" if len(counts) > most else "")


def _duplicates(part: Any) -> str:
    if not part.duplicates:
        return "none"
    examples = "; ".join(f"{twin} = {first}" for first, twin in part.duplicate_examples)
    more = "; …" if part.duplicates > len(part.duplicate_examples) else ""
    return f"{part.duplicates:,} ({examples}{more})"
