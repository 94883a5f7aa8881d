"""What the worker answers, asked as the worker asks itself."""

import base64
import json
import shutil
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from elmyr import GAN, Translator
from elmyr.images import ImageSet
from elmyr.serving.catalog import WorkerOptions, find_served
from elmyr.serving.http.answers import Answer
from elmyr.serving.worker.models import Models
from elmyr.serving.worker.operations import answer_together
from elmyr.tasks.gan.directions import find_directions, keep_directions
from elmyr.tasks.gan.editing import between, find_latents
from elmyr.tasks.recognition import open_recognizer
from elmyr.tasks.recognition.attribution.mistaken import drawn_maps
from elmyr.tasks.restoration import Restorer
from tests.serving.conftest import SERVED
from tests.serving.workbench import as_npy, as_png


@pytest.fixture(scope="module")
def models(small_runs: Path) -> Models:
    served = find_served([str(small_runs / name) for name in SERVED])
    return Models(WorkerOptions(served, device="cpu", precision="fp32"))


def asked(models: Models, name: str, operation: str, query: dict[str, Any], body: bytes = b"") -> Answer:
    (answer,) = answer_together(models, name, operation, [query], [body])
    return answer


def told(answer: Answer) -> Any:
    assert answer.media_type == "application/json"
    return json.loads(answer.content)


def pixels(content: str | bytes) -> np.ndarray[Any, Any]:
    png = base64.b64decode(content) if isinstance(content, str) else content
    return np.asarray(Image.open(BytesIO(png), formats=["PNG"]))


UPLOADS = st.lists(st.integers(0, 200), min_size=1, max_size=6)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(UPLOADS, st.none()), min_size=1, max_size=8), st.booleans())
def test_batching_changes_no_answer_under_any_mix(
    models: Models, digits: ImageSet, mix: Sequence[list[int] | None], prepared: bool
) -> None:
    bodies = [b"no image" if some is None else as_npy(digits.in_memory()[some]) for some in mix]
    query = {"prepare": "digit" if prepared else "model", "nearest": 0}
    together = answer_together(models, "reader", "recognize", [query] * len(bodies), bodies)
    for body, answer in zip(bodies, together, strict=True):
        alone = asked(models, "reader", "recognize", query, body)
        assert answer.status == alone.status
        if alone.status != 200:
            assert answer == alone
            continue
        for one, other in zip(told(answer)["images"], told(alone)["images"], strict=True):
            assert one["label"] == other["label"]
            apart = [abs(value - other["probabilities"][name]) for name, value in one["probabilities"].items()]
            assert max(apart) <= 1e-5


def test_recognized_is_what_the_recognizer_says(models: Models, digits: ImageSet, small_runs: Path) -> None:
    images = digits.in_memory()[:7]
    expected = open_recognizer(small_runs / "reader", device="cpu").predict_proba(images)
    answers = told(asked(models, "reader", "recognize", {}, as_npy(images)))["images"]
    for row, one in zip(expected, answers, strict=True):
        assert one["label"] == digits.classes[row.argmax()]
        assert np.allclose(list(one["probabilities"].values()), row, atol=1e-6)
        assert one["probability"] == max(one["probabilities"].values())


def test_an_image_of_another_size_is_brought_into_the_model_s_form(models: Models, small_runs: Path) -> None:
    drawn = np.full((60, 90), 255, np.uint8)
    drawn[10:50, 40:46] = 0
    answer = told(asked(models, "reader", "recognize", {"prepare": "model"}, as_png(drawn)))
    seen = pixels(answer["seen"])
    assert (seen == np.asarray(ImageOps.fit(Image.fromarray(drawn), (8, 8), Image.Resampling.BICUBIC))).all()
    expected = open_recognizer(small_runs / "reader", device="cpu").predict_proba(seen[None])[0]
    assert np.allclose(list(answer["images"][0]["probabilities"].values()), expected, atol=1e-6)
    assert told(asked(models, "reader", "recognize", {}, as_png(drawn))) == answer
    features = told(asked(models, "reader", "embed", {"format": "json"}, as_png(drawn)))["features"]
    assert features == told(asked(models, "reader", "embed", {"format": "json"}, as_png(seen)))["features"]
    assert "seen" not in told(asked(models, "reader", "recognize", {}, as_png(seen)))


def test_the_range_of_values_is_the_model_s_too(small_runs: Path, tmp_path: Path, digits: ImageSet) -> None:
    """A recognizer of 12 bits: pictures of 16 are leveled by its range, those of 8 and drawings are as they are."""
    recognizer = open_recognizer(small_runs / "reader", device="cpu")
    recognizer.preparation_ = recognizer.preparation_.model_copy(update={"range": (0.0, 4095.0)})
    recognizer.save(tmp_path / "deep")
    deep = Models(WorkerOptions(find_served([f"deep={tmp_path / 'deep'}"]), device="cpu"))
    image = digits.in_memory()[3, ..., 0]
    expected = told(asked(deep, "deep", "recognize", {}, as_png(image)))["images"][0]["probabilities"]
    twelve = as_png(np.rint(image.astype(float) * 4095 / 255).astype(np.uint16))
    answer = told(asked(deep, "deep", "recognize", {}, twelve))
    assert answer["images"][0]["probabilities"] == pytest.approx(expected, abs=1e-6)
    for prepare in ("model", "digit"):
        of_eight, of_twelve = (
            told(asked(deep, "deep", "recognize", {"prepare": prepare}, body))["images"][0]["probabilities"]
            for body in (as_png(image), twelve)
        )
        assert of_eight == pytest.approx(of_twelve, abs=1e-6)


def test_a_digit_is_cut_out_where_that_is_asked_for(models: Models) -> None:
    drawn = np.full((60, 90), 255, np.uint8)
    drawn[10:50, 40:46] = 0
    answer = told(asked(models, "reader", "recognize", {"prepare": "digit"}, as_png(drawn)))
    seen = pixels(answer["seen"])
    assert seen.shape == (8, 8) and seen.max() == 255 and answer["images"][0]["seen"] == answer["seen"]
    assert answer["images"][0]["label"] in "0123456789"
    empty = asked(models, "reader", "recognize", {"prepare": "digit"}, as_png(np.full((60, 90), 255, np.uint8)))
    assert empty.status == 422 and "nothing is drawn" in told(empty)["error"]


@pytest.mark.parametrize("prepare", ["model", "digit"])
def test_a_photograph_of_twelve_megapixels_is_recognized(models: Models, digits: ImageSet, prepare: str) -> None:
    digit = Image.fromarray(digits.in_memory()[0, ..., 0])
    buffer = BytesIO()
    digit.convert("RGB").resize((3000, 4000), Image.Resampling.NEAREST).save(buffer, "JPEG", quality=60)
    answer = told(asked(models, "reader", "recognize", {"prepare": prepare}, buffer.getvalue()))
    assert answer["images"][0]["label"] == "0" and pixels(answer["seen"]).shape == (8, 8)


def test_the_nearest_training_images_are_shown(models: Models, small_runs: Path, digits: ImageSet) -> None:
    body = as_npy(digits.in_memory()[:2])
    answer = told(asked(models, "reader", "recognize", {"nearest": 3}, body))
    while not answer["nearest_ready"]:  # being prepared on the side
        assert answer["images"][0]["nearest"] == []
        answer = told(asked(models, "reader", "recognize", {"nearest": 3}, body))
    for one in answer["images"]:
        assert len(one["nearest"]) == 3
        distances = [near["distance"] for near in one["nearest"]]
        assert distances == sorted(distances) and all(near["label"] in digits.classes for near in one["nearest"])
        assert pixels(one["nearest"][0]["image"]).shape == (8, 8)


def test_a_map_of_what_is_read_stands_beside_it_if_it_is_asked_for(
    models: Models, small_runs: Path, digits: ImageSet
) -> None:
    images = digits.in_memory()[:3]
    answers = told(asked(models, "reader", "recognize", {"explain": True}, as_npy(images)))["images"]
    recognizer = open_recognizer(small_runs / "reader", device="cpu")
    read = recognizer.predict_proba(images).argmax(1)
    expected = drawn_maps(recognizer, images, read)
    for one, drawn in zip(answers, expected, strict=True):
        found = pixels(one["map"])
        assert found.shape == (8, 8, 3) and abs(found.astype(int) - drawn).max() <= 1  # by rounding alone
        assert np.ptp(found, axis=-1).max() > 50  # colors
    drawing = told(
        asked(models, "reader", "recognize", {"explain": True, "prepare": "digit"}, as_png(images[0, ..., 0]))
    )
    assert pixels(drawing["images"][0]["map"]).shape == (8, 8, 3)
    assert "map" not in told(asked(models, "reader", "recognize", {"explain": False}, as_npy(images)))["images"][0]
    refused = asked(models, "reader", "recognize", {"explain": True}, as_npy(np.zeros((101, 8, 8), np.uint8)))
    assert refused.status == 422 and "at most 100 with 2,000,000 pixels" in told(refused)["error"]


def test_where_the_training_images_are_not_to_be_had_that_is_said(
    small_runs: Path, tmp_path: Path, digits: ImageSet
) -> None:
    open_recognizer(small_runs / "reader", device="cpu").save(tmp_path / "saved")
    alone = Models(WorkerOptions(find_served([f"saved={tmp_path / 'saved'}"]), device="cpu"))
    body = as_npy(digits.in_memory()[:1])
    refused = asked(alone, "saved", "recognize", {"nearest": 3}, body)
    assert refused.status == 409 and "does not say what it was trained on" in told(refused)["error"]
    assert asked(alone, "saved", "recognize", {"nearest": 0}, body).status == 200


def test_a_defect_while_they_are_looked_through_is_told_too(
    small_runs: Path, digits: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*given: Any) -> None:
        raise RuntimeError("no memory")

    monkeypatch.setattr("elmyr.serving.worker.recognizing.splits_of", fails)
    alone = Models(WorkerOptions(find_served([str(small_runs / "reader")]), device="cpu"))
    body = as_npy(digits.in_memory()[:1])
    refused = asked(alone, "reader", "recognize", {"nearest": 3}, body)
    assert refused.status == 409 and "not available: no memory" in told(refused)["error"]


def test_features_come_as_json_and_as_arrays(models: Models, small_runs: Path, digits: ImageSet) -> None:
    images = digits.in_memory()[:4]
    expected = open_recognizer(small_runs / "reader", device="cpu").features(images)
    assert np.allclose(
        told(asked(models, "reader", "embed", {"format": "json"}, as_npy(images)))["features"], expected, atol=1e-5
    )
    npz = asked(models, "reader", "embed", {"format": "npz"}, as_npy(images))
    assert np.allclose(np.load(BytesIO(npz.content), allow_pickle=False)["features"], expected, atol=1e-5)


GENERATE = {"count": 12, "class": None, "seed": 5, "truncation": 1.0}


def test_generated_is_what_the_gan_samples_in_every_form_and_twice_the_same(models: Models, small_runs: Path) -> None:
    gan = GAN.load(small_runs / "gan", device="cpu", precision="fp32")
    expected = gan.sample(12, seed=5, balanced=True)
    arrays = np.load(BytesIO(asked(models, "gan", "generate", GENERATE | {"format": "npz"}).content))
    assert np.array_equal(arrays["images"], expected.images)
    assert np.array_equal(arrays["labels"], expected.require_labels())
    each = told(asked(models, "gan", "generate", GENERATE | {"format": "json"}))["images"]
    assert [one["label"] for one in each] == [expected.classes[label] for label in expected.require_labels()]
    assert all((pixels(one["image"]) == image[..., 0]).all() for one, image in zip(each, expected.images, strict=True))
    grid = pixels(asked(models, "gan", "generate", GENERATE | {"format": "png"}).content)
    assert grid.shape == (2 * 9 - 1, 10 * 9 - 1) and (grid[:8, :8] == expected.images[0][..., 0]).all()
    for form in ("png", "npz", "json"):
        once, again = (asked(models, "gan", "generate", GENERATE | {"format": form}).content for _ in range(2))
        assert once == again
    sevens = np.load(BytesIO(asked(models, "gan", "generate", GENERATE | {"format": "npz", "class": "7"}).content))
    assert np.array_equal(sevens["images"], gan.sample(12, seed=5, label="7").images)
    wrong = asked(models, "gan", "generate", GENERATE | {"format": "png", "class": "77"})
    assert wrong.status == 422 and "no class '77'" in told(wrong)["error"]


def test_images_are_edited_and_samples_moved_as_the_library_does(
    small_runs: Path, tmp_path: Path, digits: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("elmyr.tasks.gan.editing.search.BANK", 300)
    shutil.copytree(small_runs / "gan", tmp_path / "gan")
    gan = GAN.load(tmp_path / "gan", device="cpu", precision="fp32")
    options = {"device": "cpu", "precision": "fp32"}
    before = Models(WorkerOptions(find_served([str(tmp_path / "gan")]), **options))
    query = {"from_class": None, "class": None, "move": None, "every": False, "prepare": "model"}
    body = as_png(digits.images[0])
    refused = asked(before, "gan", "edit", query | {"move": "brightness=1"}, body)
    assert refused.status == 422 and "has no directions yet: elmyr directions" in told(refused)["error"]
    keep_directions(gan, find_directions(gan, "brightness", count=512, judged=2))
    (served,) = find_served([str(tmp_path / "gan")])
    assert served.as_json()["moves"] == [{"name": "brightness", "moves": "brightness", "way": "figure"}]
    plain = told(asked(before, "gan", "edit", query, body))  # what was found since then is used without a new start
    found = find_latents(gan, digits.images[:1])
    assert (pixels(plain["nearest"]) == found.images[0][..., 0]).all() and plain["edited"] == plain["nearest"]
    assert plain["error"] == pytest.approx(found.errors[0]) and "every" not in plain
    moved = told(asked(before, "gan", "edit", query | {"move": "brightness=1.5", "class": "7", "every": True}, body))
    expected = found.edited(move={"brightness": 1.5}, label="7")[0]
    assert (pixels(moved["edited"]) == expected[..., 0]).all() and moved["nearest"] == plain["nearest"]
    assert [each["label"] for each in moved["every"]] == list(gan.config.classes)
    assert moved["every"][7]["image"] == moved["edited"]
    larger = as_png(np.repeat(np.repeat(digits.images[0], 3, 0), 3, 1))  # brought into the GAN's size
    seen = pixels(told(asked(before, "gan", "edit", query, larger))["seen"]).astype(int)
    assert seen.shape == (8, 8) and abs(seen - digits.images[0][..., 0]).mean() < 15
    samples = asked(before, "gan", "generate", GENERATE | {"format": "npz", "move": "brightness=1.5"})
    expected = gan.sample(12, seed=5, balanced=True, move={"brightness": 1.5}).images
    assert np.array_equal(np.load(BytesIO(samples.content))["images"], expected)
    unknown = "no direction 'bright': did you mean 'brightness'"
    for words, said in (("bright=1", unknown), ("brightness", "move brightness is no amount")):
        refused = asked(before, "gan", "edit", query | {"move": words}, body)
        assert refused.status == 422 and said in told(refused)["error"]


def test_what_would_change_a_prediction_is_told_in_both_ways(
    models: Models, small_runs: Path, digits: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("elmyr.tasks.gan.editing.search.BANK", 100)
    reader, body = open_recognizer(small_runs / "reader", device="cpu"), as_png(digits.images[0])
    fooled = told(asked(models, "reader", "fool", {"prepare": "model"}, body))
    found = pixels(fooled["found"])[None, ..., None]
    assert fooled["read"] == str(reader.predict(digits.images[:1])[0])
    assert fooled["becomes"] == str(reader.predict(found)[0]) != fooled["read"]
    apart = (found.astype(float) - digits.images[:1]) / 255
    assert fooled["distance"] == pytest.approx(np.sqrt(np.square(apart).sum()))
    assert fooled["largest_change"] == pytest.approx(abs(apart).max()) and pixels(fooled["difference"]).shape == (
        8,
        8,
        3,
    )
    query = {"prepare": "model", "gan": "gan", "class": None}
    changed = told(asked(models, "reader", "counterfactual", query, body))
    assert changed["target"] != changed["read"] == fooled["read"] and changed["distance"] > fooled["distance"]
    assert changed["becomes"] == str(reader.predict(pixels(changed["found"])[None, ..., None])[0])
    for name in ("nobody", "restorer"):
        refused = asked(models, "reader", "counterfactual", query | {"gan": name}, body)
        assert refused.status == 422 and f"'{name}' is no GAN that is served here" in told(refused)["error"]
    refused = asked(models, "reader", "counterfactual", query | {"class": changed["read"]}, body)
    assert refused.status == 422 and "already: ask for another class" in told(refused)["error"]


def test_the_walk_is_the_library_s(models: Models, small_runs: Path) -> None:
    query = {"from_seed": 1, "to_seed": 2, "from_class": "3", "to_class": "8", "steps": 4}
    gan = GAN.load(small_runs / "gan", device="cpu", precision="fp32")
    expected = between(gan, **query)  # type: ignore[arg-type]
    walk = told(asked(models, "gan", "between", query | {"format": "json"}))["images"]
    assert all((pixels(one["image"]) == image[..., 0]).all() for one, image in zip(walk, expected.images, strict=True))
    assert pixels(asked(models, "gan", "between", query | {"format": "png"}).content).shape == (8, 4 * 9 - 1)


def test_repair_leaves_what_is_known_and_says_where_the_answers_differ(
    models: Models, digits: ImageSet, small_runs: Path
) -> None:
    image = np.dstack([digits.in_memory()[0]] * 3 + [np.full((8, 8), 255, np.uint8)])
    image[:, 4:, 3] = 0
    body = as_png(image)
    one = told(asked(models, "restorer", "repair", {"answers": 1, "seed": 0, "noise": 0.0}, body))
    assert len(one["answers"]) == 1 and one["spread"] is None
    hidden = np.zeros((1, 8, 8), np.bool_)
    hidden[:, :, 4:] = True
    expected = Restorer.load(small_runs / "restorer", device="cpu", precision="fp32").restore(
        image[None, ..., :1], hidden
    )
    assert (pixels(one["answers"][0]) == expected.images[0, ..., 0]).all()
    assert (pixels(one["seen"])[:, 4:] == 0).all() and (pixels(one["seen"])[:, :4] == image[:, :4, 0]).all()
    several = told(asked(models, "restorer", "repair", {"answers": 4, "seed": 1, "noise": 0.0}, body))
    assert len(several["answers"]) == 4
    assert all((pixels(answer)[:, :4] == image[:, :4, 0]).all() for answer in several["answers"])
    assert (pixels(several["spread"])[:, :4] == 0).all()
    noisy = told(asked(models, "restorer", "repair", {"answers": 2, "seed": 1, "noise": 0.5}, body))
    assert (pixels(noisy["seen"])[:, :4] != image[:, :4, 0]).mean() > 0.5
    assert any((pixels(answer)[:, :4] != pixels(noisy["seen"])[:, :4]).any() for answer in noisy["answers"])


def test_what_a_model_cannot_do_is_said(models: Models, digits: ImageSet) -> None:
    body = as_npy(digits.in_memory()[:1])
    for name, operation, kind in (
        ("gan", "recognize", "recognizer"),
        ("reader", "repair", "restorer"),
        ("restorer", "translate", "translator"),
    ):
        refused = asked(models, name, operation, {"answers": 1, "seed": 0, "noise": 0.0}, body)
        assert refused.status == 422 and f"ask a {kind}" in told(refused)["error"]
    many = as_npy(np.zeros((101, 8, 8), np.uint8))
    refused = asked(models, "reader", "recognize", {"nearest": 20}, many)
    assert refused.status == 422 and "together at most 2,000" in told(refused)["error"]
    big = as_png(np.zeros((1500, 1500), np.uint8))
    refused = asked(models, "restorer", "repair", {"answers": 1, "seed": 0, "noise": 0.0}, big)
    assert refused.status == 422 and "at most 4,000,000 pixels" in told(refused)["error"]
    hidden = as_png(np.zeros((8, 8, 4), np.uint8))
    refused = asked(models, "restorer", "repair", {"answers": 1, "seed": 0, "noise": 0.0}, hidden)
    assert refused.status == 422 and "hidden wholly" in told(refused)["error"]


TRANSLATE = {"direction": "a-to-b", "answers": 1, "examples": 0, "seed": 0, "format": "json"}


def test_translated_is_what_the_translator_makes_in_every_form_and_both_directions(
    models: Models, digits: ImageSet, small_runs: Path
) -> None:
    translator = Translator.load(small_runs / "translator", device="cpu", precision="fp32")
    images = digits.in_memory()[:3]
    made = {way: translator.translate(images, way) for way in ("a-to-b", "b-to-a")}
    assert not np.array_equal(*made.values())
    for way, expected in made.items():
        query = TRANSLATE | {"direction": way}
        answer = told(asked(models, "translator", "translate", query, as_npy(images)))
        assert answer["direction"] == way
        assert [pixels(one["answers"][0]).tolist() for one in answer["images"]] == expected[..., 0].tolist()
        assert all("seen" not in one for one in answer["images"])
        arrays = np.load(
            BytesIO(asked(models, "translator", "translate", query | {"format": "npz"}, as_npy(images)).content)
        )
        assert np.array_equal(arrays["images"], expected)
    grid = pixels(asked(models, "translator", "translate", TRANSLATE | {"format": "png"}, as_npy(images)).content)
    assert grid.shape == (8, 3 * 9 - 1) and (grid[:, :8] == made["a-to-b"][0, ..., 0]).all()


def test_a_color_picture_of_any_size_is_translated_in_the_channels_of_the_translator(
    models: Models, digits: ImageSet, small_runs: Path
) -> None:
    gray = np.kron(digits.in_memory()[0, ..., 0], np.ones((3, 2), np.uint8))
    (one,) = told(asked(models, "translator", "translate", TRANSLATE, as_png(np.dstack([gray] * 3))))["images"]
    assert (pixels(one["seen"]) == gray).all()
    expected = Translator.load(small_runs / "translator", device="cpu", precision="fp32").translate(gray[None])
    assert (pixels(one["answers"][0]) == expected[0, ..., 0]).all()


def test_a_styled_translator_answers_in_the_style_of_its_examples_or_of_those_sent(
    digits: ImageSet, tmp_path: Path
) -> None:
    styled = Translator(
        method="contrastive", images=64, settings={"styled": True, "back": False, "widths": (8, 8)}, device="cpu",
        precision="fp32",
    ).fit(digits.take(np.arange(64)), digits.take(np.arange(64, 128)))  # fmt: skip
    styled.save(tmp_path / "styled")
    alone = Models(WorkerOptions(find_served([str(tmp_path / "styled")]), device="cpu", precision="fp32"))
    images = digits.in_memory()
    answer = told(asked(alone, "styled", "translate", TRANSLATE | {"answers": 3, "seed": 5}, as_png(images[0])))
    expected = styled.translate(np.repeat(images[:1], 3, axis=0), seed=5)
    assert [pixels(one).tolist() for one in answer["images"][0]["answers"]] == expected[..., 0].tolist()
    assert len({one for one in answer["images"][0]["answers"]}) == 3
    sent = asked(alone, "styled", "translate", TRANSLATE | {"examples": 2, "format": "npz"}, as_npy(images[:5]))
    expected = styled.translate(images[:3], examples=images[3:5])
    assert np.array_equal(np.load(BytesIO(sent.content))["images"], expected)
    several = asked(alone, "styled", "translate", TRANSLATE | {"answers": 2, "format": "npz"}, as_npy(images[:3]))
    assert np.load(BytesIO(several.content))["images"].shape == (3, 2, 8, 8, 1)
    for query, expected_message in (
        ({"direction": "b-to-a"}, "has learned one way alone"),
        ({"examples": 1}, "send those to translate before them"),
    ):
        refused = asked(alone, "styled", "translate", TRANSLATE | query, as_png(images[0]))
        assert refused.status == 422 and expected_message in told(refused)["error"]


def test_what_a_translator_does_not_do_is_said(models: Models, digits: ImageSet) -> None:
    big = as_npy(np.zeros((1, 1500, 1500), np.uint8))
    for query, body, expected in (
        ({"answers": 2}, as_png(digits.in_memory()[0]), "has one answer to an image"),
        ({"examples": 1}, as_npy(digits.in_memory()[:2]), "takes no style from examples"),
        ({}, big, "together at most 2,000,000 pixels"),
        ({}, b"no image", "the upload is no image"),
    ):
        refused = asked(models, "translator", "translate", TRANSLATE | query, body)
        assert refused.status == 422 and expected in told(refused)["error"]
