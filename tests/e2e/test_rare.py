"""A set with a rare class goes through every command: no part without it, and what is unsure is said."""

from pathlib import Path

import numpy as np
import pytest

from elmyr.cli import main
from elmyr.images import ImageSet, save_npz
from tests.conftest import small_image_set

BRIEF = ("--updates", "2", "--device", "cpu")
GAN = ("--images", "32", "--set", "network.base=4", "--set", "batch=16", "--device", "cpu")
FEW = "class 'cracked' has {} test image"
COMMANDS = {  # the words, and what is said of nine images of a class
    "data info": ("data info parts.npz", "60 images of 'good', 9 of 'cracked'"),
    "train": (f"train parts.npz --out run {' '.join(GAN)}", ""),
    "recognizer train": (f"recognizer train parts.npz --tiny --out run {' '.join(BRIEF)}", FEW.format(2)),
    "recognizer doubts": (f"recognizer doubts parts.npz {' '.join(BRIEF)}", "none of their labels is named: 'cracked'"),
    "study": (f"study parts.npz --seeds 1 --out run --updates 2 {' '.join(GAN)}", FEW.format(2)),
    "restorer train": ("restorer train parts.npz --out run --images 32 --device cpu", ""),
}


def parts(*counts: int) -> ImageSet:
    """So many good, scratched and cracked ones."""
    blobs = small_image_set(3 * max(counts))
    places = np.concatenate([np.flatnonzero(blobs.labels == label)[:count] for label, count in enumerate(counts)])
    return ImageSet(blobs.images[places], blobs.require_labels()[places], ("good", "scratched", "cracked"), "parts")


@pytest.mark.usefixtures("quick_extractor")
@pytest.mark.parametrize("rarest", [9, 3])
@pytest.mark.parametrize("name", COMMANDS)
def test_a_rare_class_goes_through_every_command(
    name: str, rarest: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words, said = COMMANDS[name]
    save_npz(parts(60, 60, rarest), tmp_path / "parts.npz")
    monkeypatch.setattr("sys.argv", ["elmyr", *words.split()])
    with pytest.raises(SystemExit) as ended:
        main()
    told = capsys.readouterr()
    assert not ended.value.code, told.err
    if rarest == 9:
        assert said in " ".join((told.out + told.err).split())
