"""Sets of the hub, as far as they can be had without a network; the library `datasets` is an extra."""

import sys
from pathlib import Path

import numpy as np
import pytest

from elmyr.core.errors import InputError
from elmyr.images import open_source, save_images
from elmyr.images.dataset.shaping import AS_IT_IS
from elmyr.images.decode.decoding import decode
from elmyr.images.readers.hub import encoded_parts, read_hub
from tests.conftest import small_image_set


@pytest.mark.parametrize(
    "name", ["hf:", "hf:mnist", "hf:a/b/c", "hf:a/b:", "hf:a/b@", "hf:../b", "hf:a/b:c d", "hf:a/b\n"]
)
def test_a_name_of_another_form_is_refused_before_anything_is_asked(name: str) -> None:
    with pytest.raises(InputError, match="write hf:owner/name") as caught:
        open_source(name)
    assert "\n" not in str(caught.value).replace(name, "")


def test_without_the_extra_the_way_to_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(InputError, match=r"pip install 'elmyr\[data\]'"):
        read_hub("hf:owner/name")


def test_what_elmyr_writes_datasets_reads_and_elmyr_reads_that(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    images = small_image_set(30, channels=3)
    for part in ("train", "test"):
        save_images(images, tmp_path / f"{part}-blobs.parquet")
    files = {part: str(tmp_path / f"{part}-blobs.parquet") for part in ("train", "test")}
    loaded = datasets.load_dataset("parquet", data_files=files, cache_dir=str(tmp_path / "cache"))
    assert loaded["train"].features["label"].names == list(images.classes)
    train, test = encoded_parts(loaded, "hf:me/blobs@main")
    assert test is not None
    for found in decode([train, test], AS_IT_IS):
        assert np.array_equal(found.in_memory(), images.in_memory())
        assert (found.name, found.classes) == ("blobs", images.classes)
        assert np.array_equal(found.require_labels(), images.require_labels())


def test_a_set_without_images_or_with_hidden_labels_is_refused() -> None:
    datasets = pytest.importorskip("datasets")
    with pytest.raises(InputError, match="no column of images"):
        encoded_parts({"train": datasets.Dataset.from_dict({"text": ["a"]})}, "hf:a/b")
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["a", "b"])})
    hidden = datasets.Dataset.from_dict({"image": [{"bytes": b"x", "path": None}], "label": [-1]}, features=features)
    with pytest.raises(InputError, match="without a label"):
        encoded_parts({"test": hidden}, "hf:a/b")


def test_offline_the_reason_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match="cannot be had from the hub") as caught:
        read_hub("hf:owner/name")
    assert "\n" not in str(caught.value)
