"""The command that shows which pixels decide."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from elmyr.cli.options import AsJson, DataRoot, Device, Quiet, computing
from elmyr.cli.predict import Prepare
from elmyr.cli.show import hush, save_captioned, say, show_json


@computing
def explain(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="The run of a recognizer or of a GAN (its discriminator), or latest.")
    ],
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="[PATH]...", help="Images, folders, globs, or a known name; none: of a GAN, what makes its pixels."
        ),
    ] = [],  # noqa: B006  # typer copies it
    target: Annotated[
        str | None, typer.Option(metavar="CLASS", help="What speaks for this class (default: what each is read as).")
    ] = None,
    method: Annotated[
        str, typer.Option(help="integrated-gradients, grad-cam, occlusion, or gradient, which needs no extra.")
    ] = "integrated-gradients",
    out: Annotated[Path, typer.Option(help="The picture: image, map and both, a row each.")] = Path("maps.png"),
    save_maps: Annotated[Path | None, typer.Option(help="Also an .npz with the maps as numbers.")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Is it more than decoration? Curves against chance, random weights.")
    ] = False,
    prepare: Annotated[
        Prepare, typer.Option(help="As the images of the training, or cut out and centered as MNIST's digits.")
    ] = Prepare.model,
    limit: Annotated[int | None, typer.Option(help="For data sets: at most so many images.", min=1)] = None,
    device: Device = "auto",
    data_root: DataRoot = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Show which pixels decide what a recognizer reads, or how real a GAN's discriminator finds an image.

    Of a GAN without images: what decides which pixels of those that it makes.
    """
    from elmyr.images import Shaping
    from elmyr.tasks.recognition import attribution
    from elmyr.tasks.recognition.attribution.opening import open_explained, require_gan, target_of
    from elmyr.tasks.recognition.attribution.saving import save_explanation
    from elmyr.tasks.recognition.predicting.formed import images_for
    from elmyr.tasks.recognition.predicting.given import given_by

    attribution.required_method(method)
    _require_places(out, save_maps)
    model = open_explained(run, device=device)
    if not paths:
        asked = {"--check": check, "--prepare": prepare != "model", "--limit": bool(limit)}
        whole = attribution.explain_gan(require_gan(model, run, of_images=asked), method=method, target=target)
        _keep(whole.picture(), out, None if save_maps is None else partial(whole.save, save_maps))
        _show(whole.lines(), {"picture": str(out), "method": method} | whole.as_json(), out, quiet, as_json)
        return
    given = given_by(paths, read_list=sys.stdin.buffer.read, data_root=data_root, shaping=Shaping(limit=limit))
    images, names, classes = images_for(model, given, prepare.value)
    found = attribution.explanation(model, images, method=method, target=target_of(model, target, classes))
    checked = attribution.check(found) if check else None
    save = None if save_maps is None else partial(save_explanation, found, names, save_maps)
    _keep(attribution.draw_explanation(found, names), out, save)
    told: dict[str, Any] = {"picture": str(out), "method": method, "images": found.rows(names)}
    lines = found.lines(names) if checked is None else checked.lines()
    _show(lines, told if checked is None else told | {"check": checked.as_json()}, out, quiet, as_json)


def _require_places(out: Path, save_maps: Path | None) -> None:
    from elmyr.core.files import require_place

    require_place(out, ".png", "a picture")
    if save_maps is not None:
        require_place(save_maps, ".npz", "maps")


def _keep(drawn: Any, out: Path, save: Callable[[], None] | None) -> None:
    save_captioned(drawn, out, "")
    if save is not None:
        save()


def _show(lines: Iterable[str], told: dict[str, Any], out: Path, quiet: bool, as_json: bool) -> None:
    if as_json:
        show_json(told)
        return
    for line in lines:
        print(line)
    (hush if quiet else say)(f"the maps: {out}")
