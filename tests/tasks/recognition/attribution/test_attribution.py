"""Maps of which pixels decide: exact on networks whose answer is known, checked as maps of real ones, and refused."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import spearmanr
from torch import nn

import elmyr
from elmyr import GAN, Recognizer
from elmyr.cli import main
from elmyr.core.errors import InputError
from elmyr.images import save_images
from elmyr.nets import PAIRS
from elmyr.tasks.gan.model import GANConfig
from elmyr.tasks.recognition.attribution import METHODS, check, draw_explanation, explanation
from elmyr.tasks.recognition.attribution.curves import STEPS, areas, random_ranks, ranks_of
from elmyr.tasks.recognition.attribution.drawing import colored, overlaid, strengths_of
from elmyr.tasks.recognition.attribution.explained import Explained, explained
from elmyr.tasks.recognition.attribution.explaining import maps_of
from elmyr.tasks.recognition.attribution.methods import Method, last_maps
from elmyr.tasks.recognition.attribution.mistaken import drawn_mistakes, maps_of_mistakes
from elmyr.tasks.recognition.attribution.opening import target_of
from elmyr.tasks.recognition.attribution.randomization import layers_of, randomize, rank_correlation
from elmyr.tasks.restoration import Restorer
from tests.conftest import small_image_set

BLOBS = small_image_set(12, seed=3)


@pytest.fixture(scope="module")
def reader() -> Recognizer:
    return Recognizer(updates=40, base=8, dimension=16, device="cpu").fit(small_image_set(90))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, reader: Recognizer) -> Path:
    """A saved recognizer, a saved GAN and images."""
    place = tmp_path_factory.mktemp("explained")
    reader.save(place / "reader")
    small_gan().save(place / "gan")
    save_images(BLOBS, place / "images")
    (place / "restorer").mkdir()
    (place / "restorer" / "config.json").write_text('{"kind": "restorer"}')
    return place


def small_gan(**how: Any) -> GAN:
    config = GANConfig(height=8, width=8, channels=1, network={"name": "residual", "base": 8}, **how)
    torch.manual_seed(0)
    return GAN(config, *config.build(), device="cpu", precision="fp32")


class Weighted(nn.Module):
    """The sum of pixels, each times its weight."""

    def __init__(self, channels: int = 1, side: int = 8) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(channels, side, side, generator=torch.Generator().manual_seed(1)))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return (images * self.weight).sum((1, 2, 3))


def weighted(net: nn.Module, channels: int = 1) -> Explained:
    def score(net: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return torch.as_tensor(net(images))

    return Explained(net, ("a",), (8, 8, channels), score, score, -1.0, "logit", "read as")


@pytest.mark.parametrize("method", ["integrated-gradients", "gradient"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_sum_of_weighted_pixels_is_divided_among_them(method: str, channels: int) -> None:
    net = Weighted(channels)
    images = torch.rand(3, channels, 8, 8, generator=torch.Generator().manual_seed(2)) * 2 - 1
    maps = maps_of(weighted(net, channels), images, torch.zeros(3, dtype=torch.int64), method)
    exact = ((images + 1) * net.weight.detach()).sum(1)
    assert maps.shape == (3, 8, 8)
    assert np.allclose(maps, exact.numpy(), atol=1e-5)


def test_occlusion_tells_what_a_covered_patch_was_worth() -> None:
    net = Weighted()
    with torch.no_grad():
        net.weight.zero_()
        net.weight[0, 5, 2] = 4.0
    images = torch.ones(1, 1, 8, 8)
    (found,) = maps_of(weighted(net), images, torch.zeros(1, dtype=torch.int64), "occlusion")
    assert found[5, 2] == pytest.approx(8.0)  # from the ground, -1, to 1, by the weight of 4
    assert found[0, 7] == 0 and found[5, 2] == found.max()


def test_integrated_gradients_add_up_to_what_differs_from_the_ground(reader: Recognizer) -> None:
    of = explained(reader)
    units, targets = of.units(BLOBS.images), torch.from_numpy(BLOBS.require_labels())
    maps = maps_of(of, units, targets, "integrated-gradients")
    with torch.no_grad():
        gained = of.scores(units, targets) - of.scores(torch.full_like(units, of.ground), targets)
    assert np.allclose(maps.sum((1, 2)), gained.numpy(), rtol=0.02, atol=0.02)


def test_maps_find_the_rows_that_tell_a_class(reader: Recognizer) -> None:
    for method in ("integrated-gradients", "occlusion"):  # grad-cam's maps are of 4x4 cells here, a gradient is local
        maps = elmyr.explain(reader, BLOBS, method=method)
        for found, label in zip(maps, BLOBS.require_labels(), strict=True):
            rows = found.sum(1)
            own = rows[2 * label : 2 * label + 2].mean()
            assert own > rows.mean(), method


def test_the_number_of_images_beside_it_changes_no_map(reader: Recognizer) -> None:
    for method in METHODS:
        many = elmyr.explain(reader, BLOBS, method=method, target="b")
        one = elmyr.explain(reader, BLOBS.images[4:5], method=method, target="b")
        assert np.allclose(many[4:5], one, atol=1e-4), method


def test_a_target_is_a_name_a_number_or_one_for_each_image(reader: Recognizer) -> None:
    by_name = elmyr.explain(reader, BLOBS, method="gradient", target="c")
    assert np.array_equal(by_name, elmyr.explain(reader, BLOBS, method="gradient", target=2))
    assert np.array_equal(by_name, elmyr.explain(reader, BLOBS, method="gradient", target=["c"] * 12))
    each = elmyr.explain(reader, BLOBS, method="gradient", target=BLOBS.require_labels())
    assert np.array_equal(each[2::3], by_name[2::3]) and not np.array_equal(each, by_name)
    assert np.array_equal(each, elmyr.explain(reader, BLOBS, method="gradient"))  # as all of them are read


@pytest.mark.parametrize("classes", [(), ("a", "b", "c")])
def test_a_discriminator_is_explained(classes: tuple[str, ...]) -> None:
    gan = small_gan(classes=classes)
    found = explanation(gan, BLOBS.images, method="integrated-gradients")
    labels = torch.from_numpy(found.targets) if classes else None
    with torch.no_grad():
        units = found.model.units(BLOBS.images)
        gained = gan.discriminator(units, labels) - gan.discriminator(torch.full_like(units, -1), labels)
    assert np.allclose(found.maps.sum((1, 2)), gained.numpy(), rtol=0.05, atol=0.01)
    assert set(found.rows(["x"] * 12)[0]) == {"file", "read", "logit", "target", "logit_of_target"}
    if not classes:
        with pytest.raises(InputError, match="this GAN has no classes"):
            explanation(gan, BLOBS.images, target="a")


SIDES = {"dcgan": 28, "mlp-cnn": 28, "joined": 28, "classic": 28, "dcgan64": 64}


@pytest.mark.parametrize("name", PAIRS)
def test_the_discriminator_of_every_pair_of_networks_is_explained(name: str) -> None:
    side = SIDES.get(name, 8)
    config = GANConfig(height=side, width=side, channels=1, classes=("a", "b"), network={"name": name})
    torch.manual_seed(0)
    gan = GAN(config, *config.build(), device="cpu", precision="fp32")
    images = small_image_set(3, size=side).images
    maps = elmyr.explain(gan, images, method="gradient", target="b")
    assert maps.shape == (3, side, side) and maps.any((1, 2)).all()
    assert np.allclose(elmyr.explain(gan, images[1:2], method="gradient", target="b"), maps[1:2], atol=1e-5)
    of, target = explained(gan), torch.zeros(1, dtype=torch.int64)
    named = [name for name, _ in layers_of(of, of.units(images[:1]), target)]
    owners = {name for name, module in of.net.named_modules() if list(module.parameters(recurse=False))}
    assert len(named) > 1 and set(named) <= owners
    if name == "mlp":
        with pytest.raises(InputError, match="no convolutions"):
            elmyr.explain(gan, images, method="grad-cam", target="b")
    else:
        assert elmyr.explain(gan, images, method="grad-cam", target="b").any()


def test_a_discriminator_is_asked_for_the_labels_that_images_have(reader: Recognizer) -> None:
    gan, trained = small_gan(classes=("a", "b", "c")), reader.trained()
    assert target_of(gan, None, ["c", "a"]) == ["c", "a"] and target_of(gan, "b", ["c", "a"]) == "b"
    assert target_of(gan, None, None) is None and target_of(gan, None, ["c", "x"]) is None
    assert target_of(trained, None, ["c", "a"]) is None  # of a recognizer it is what is read
    assert target_of(small_gan(), None, ["c"]) is None
    assert target_of(small_gan(classes=("a", "b"), projection=False), None, ["a"]) is None


def test_curves_are_those_of_a_network_that_looks_at_one_pixel() -> None:
    net = Weighted()
    with torch.no_grad():
        net.weight.zero_()
        net.weight[0, 3, 4] = 0.5  # of an image of ones 0.5, without that pixel -0.5
    of, images, targets = weighted(net), torch.ones(2, 1, 8, 8), torch.zeros(2, dtype=torch.int64)
    maps = maps_of(of, images, targets, "gradient")
    deletion, insertion = areas(of, images, targets, ranks_of(maps))
    gone_after = 0.5 / STEPS  # it is gone in the first step: half of the trapezoid
    assert np.allclose(deletion, -0.5 + gone_after) and np.allclose(insertion, 0.5 - gone_after)
    deletion, insertion = areas(of, images, targets, ranks_of(-maps))
    assert np.allclose(deletion, 0.5 - gone_after) and np.allclose(insertion, -0.5 + gone_after)


def test_ranks_are_orders_with_ties_at_random() -> None:
    maps = np.zeros((3, 8, 8))
    maps[:, 6, 1] = 2
    ranks = ranks_of(maps)
    for each in (*ranks, *random_ranks((3, 8, 8))):
        assert sorted(each.ravel().tolist()) == list(range(64))
    assert (ranks[:, 6, 1] == 0).all()
    assert not np.array_equal(ranks[0], ranks[1])


@pytest.fixture
def methods() -> Iterator[dict[str, Any]]:
    """Maps that know no network, by name."""
    of_contrast = Method(lambda of, images, targets: (images - of.ground).abs(), "the image", needs_captum=False)
    empty = Method(lambda of, images, targets: torch.zeros_like(images), "nothing", needs_captum=False)
    METHODS.add("contrast", of_contrast)
    METHODS.add("empty", empty)
    yield {}
    METHODS.remove("contrast")
    METHODS.remove("empty")


def test_decoration_fails_the_check(reader: Recognizer, methods: dict[str, Any]) -> None:
    images = small_image_set(30, seed=5).images
    edges = check(explanation(reader, images, method="contrast"))
    assert not edges.depends_on_weights
    assert all(layer.whole == pytest.approx(1) for layer in edges.layers)
    assert all(curve.over_contrast.mean == 0 for curve in edges.curves)
    nothing = check(explanation(reader, images, method="empty"))
    assert not any(curve.is_better for curve in nothing.curves)
    real = check(explanation(reader, images, method="integrated-gradients"))
    assert all(curve.is_better for curve in real.curves)
    assert "better than a random order in both" in "\n".join(real.lines())
    assert "not better than random: deletion, insertion" in "\n".join(nothing.lines())
    json.dumps(real.as_json(), allow_nan=False)


def test_layers_become_random_from_the_last_and_the_network_stays(reader: Recognizer) -> None:
    of = explained(reader)
    units, target = of.units(BLOBS.images), torch.zeros(1, dtype=torch.int64)
    names = [name for name, _ in layers_of(of, units[:1], target)]
    assert names == ["convolutions.0", "convolutions.1", "convolutions.2", "dense", "logits"]
    before = {name: value.clone() for name, value in of.net.state_dict().items()}
    checked = check(explanation(reader, BLOBS.images, method="gradient"))
    assert [layer.name for layer in checked.layers] == names[::-1]
    assert all(torch.equal(value, before[name]) for name, value in of.net.state_dict().items())


def test_random_weights_keep_mean_and_spread_and_depend_on_the_seed_alone() -> None:
    made = []
    for seed in (0, 0, 1):
        layer = nn.Linear(200, 100)
        with torch.no_grad():
            layer.weight.copy_(torch.randn(100, 200, generator=torch.Generator().manual_seed(4)) * 3 + 1)
            layer.bias.fill_(2.0)
        randomize(layer, "it", seed=seed)
        made.append(layer)
    assert torch.equal(made[0].weight, made[1].weight) and not torch.equal(made[0].weight, made[2].weight)
    mean, spread = made[0].weight.mean().item(), made[0].weight.std().item()
    assert mean == pytest.approx(1, abs=0.15) and spread == pytest.approx(3, abs=0.15)
    assert (made[0].bias == 2).all()


def test_rank_correlations_are_scipys_and_0_of_what_is_constant() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 5, (8, 8)), rng.normal(size=(8, 8))
    assert rank_correlation(a, b) == pytest.approx(spearmanr(a.ravel(), b.ravel()).statistic)
    assert rank_correlation(a, np.zeros((8, 8))) == 0


def test_strengths_and_colors() -> None:
    maps = np.zeros((2, 10, 10))
    maps[0, 0, :3], maps[0, 1, 0] = 5, -2.5
    strengths = strengths_of(maps)
    assert strengths[0, 0, 0] == 1 and strengths[0, 1, 0] == -0.5 and not strengths[1].any()
    colors = colored(strengths[0])
    assert colors[9, 9].tolist() == [255, 255, 255]
    assert colors[0, 0, 0] > 2 * colors[0, 0, 2] and colors[1, 0, 2] > colors[1, 0, 0]  # red, blue
    image = np.full((10, 10, 1), 255, np.uint8)
    assert overlaid(image, strengths[0])[9, 9].tolist() == [255, 255, 255]
    assert np.array_equal(overlaid(image, strengths[0])[0, 0], colors[0, 0])


def test_a_picture_has_a_row_for_each_image(reader: Recognizer) -> None:
    found = explanation(reader, BLOBS.images[:4], method="gradient")
    two = explanation(reader, BLOBS.images[:2], method="gradient")
    (four, _), (half, _) = (draw_explanation(each, ["a.png"] * 4) for each in (found, two))
    assert four.shape[2] == 3 and four.shape[1] == half.shape[1]
    assert four.shape[0] - 8 == 2 * (half.shape[0] - 8)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs the program; what it ends with."""

    def ended_with(*words: object) -> int:
        monkeypatch.setattr(sys, "argv", ["elmyr", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(str(ended.value.code))

    return ended_with


@pytest.mark.filterwarnings("default")  # the program tells them
def test_the_command_writes_picture_maps_and_figures(
    folder: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "images" / "broken.png").write_bytes(b"no image")
    assert run("explain", folder / "reader", folder / "images", "--save-maps", "m.npz", "--check", "--json") == 0
    (folder / "images" / "broken.png").unlink()
    printed = capsys.readouterr()
    told = json.loads(printed.out)
    assert "broken.png' is passed over: not an image" in printed.err
    assert len(told["images"]) == 12 and told["check"]["images"] == 12 and told["method"] == "integrated-gradients"
    assert {row["read"] for row in told["images"]} == {"a", "b", "c"}
    with np.load("m.npz") as maps, Image.open("maps.png") as picture:
        assert maps["maps"].shape == (12, 8, 8) and maps["files"].shape == (12,) and picture.mode == "RGB"
        expected = elmyr.explain(Recognizer.load(folder / "reader"), maps["images"])
        assert np.allclose(maps["maps"], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["{reader}", "{images}", "--target", "d"], "no class 'd' among 3: choose from: a, b, c"),
        (["{reader}", "{images}", "--method", "grad-kam"], "did you mean 'grad-cam'?"),
        (["{reader}/../restorer", "{images}"], "is a restorer, which has no classes to explain"),
        (["{reader}", "nowhere.png"], "there is no file or folder 'nowhere.png'"),
        (["{reader}", "{images}", "--out", "maps.jpg"], "give it the suffix .png"),
        (["{reader}", "{images}", "--save-maps", "maps.csv"], "give it the suffix .npz"),
        (["nowhere", "{images}"], "there is no run directory 'nowhere'"),
        (["{gan}", "{images}", "--target", "a"], "this GAN has no classes: leave the target out"),
        (["{reader}", "{reader}/../one.png", "--check"], "a check of 1 image says nothing"),
        (["{reader}"], "a recognizer is explained by images: elmyr explain"),
        (["{gan}", "--check"], "--check is of images, and none are given"),
        (["{gan}", "--limit", "3"], "--limit is of images, and none are given"),
        (["{gan}", "--prepare", "digit"], "--prepare is of images, and none are given"),
        (["{gan}", "--target", "a"], "this GAN has no classes: leave the target out"),
    ],
)
def test_wrong_input_is_one_line(
    words: list[str], told: str, folder: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(BLOBS.images[0, ..., 0]).save(folder / "one.png")
    places = {name: folder / name for name in ("reader", "gan", "images")}
    assert run("explain", *(word.format_map(places) for word in words)) == 2
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1
    assert not list(Path().iterdir())


def test_what_cannot_be_explained_is_refused(reader: Recognizer) -> None:
    with pytest.raises(InputError, match="a Restorer cannot be explained"):
        elmyr.explain(Restorer.__new__(Restorer), BLOBS)
    for size, channels in ((9, 1), (8, 3)):
        other = small_image_set(3, size=size, channels=channels)
        with pytest.raises(InputError, match=r"takes \(8, 8, 1\)"):
            elmyr.explain(reader, other)
    with pytest.raises(InputError, match="give a class, or one for each"):
        elmyr.explain(reader, BLOBS, target=["a", "b"])
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 1), nn.Flatten(0))
    with pytest.raises(InputError, match="no convolutions"):
        last_maps(weighted(net), torch.zeros(1, 1, 8, 8), torch.zeros(1, dtype=torch.int64))


def test_without_captum_only_the_gradient_is_left(reader: Recognizer, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name.split(".")[0] == "captum"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "captum", None)
    with pytest.raises(InputError, match=r"needs captum: pip install 'elmyr\[explain\]'"):
        elmyr.explain(reader, BLOBS)
    assert elmyr.explain(reader, BLOBS, method="gradient").shape == (12, 8, 8)


@pytest.mark.parametrize("classes", [(), ("a", "b", "c")])
def test_a_gan_is_explained_by_the_samples_that_are_least_real_for_their_class(classes: tuple[str, ...]) -> None:
    gan = small_gan(classes=classes)
    found = elmyr.explain_gan(gan, method="gradient", count=8)
    made = gan.sample(1_000)
    logits = gan.discriminate(made)
    if classes:
        labels = made.require_labels()
        logits -= np.array([logits[labels == label].mean() for label in range(3)])[labels]
        assert found.false.targets.tolist() == labels[found.samples].tolist()
    assert sorted(found.samples) == sorted(np.argsort(logits)[:8].tolist())
    assert np.array_equal(found.false.images, made.take(np.array(found.samples)).in_memory())
    picture, _ = found.picture()
    assert picture.shape[2] == 3 and len(found.as_json()["least_real"]) == 8
    assert "least real for their class" in "\n".join(found.lines())


def test_the_command_explains_a_gan_without_images(
    folder: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("explain", folder / "gan", "--method", "gradient", "--save-maps", "m.npz", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [each["source"] for each in told["effects"]] == ["latent"] and len(told["least_real"]) == 8
    with np.load("m.npz") as maps, Image.open("maps.png") as picture:
        assert maps["deviations"].shape == (1, 8, 8) and maps["maps"].shape == (8, 8, 8) and picture.mode == "RGB"


def test_maps_of_mistakes_divide_the_prediction_less_the_label(reader: Recognizer) -> None:
    labels, predicted = np.full(12, 1), np.full(12, 2)
    found = maps_of_mistakes(reader, BLOBS.images, predicted, labels)
    assert np.array_equal(found, -maps_of_mistakes(reader, BLOBS.images, labels, predicted)) and found.any()
    by_class = [elmyr.explain(reader, BLOBS, method="gradient", target=number) for number in (2, 1)]
    assert np.allclose(found, by_class[0] - by_class[1])
    drawn = drawn_mistakes(reader, BLOBS.images, predicted, labels)
    assert drawn.shape == (12, 8, 8, 3) and drawn.dtype == np.uint8


def test_the_ground_is_that_of_the_training_images(reader: Recognizer) -> None:
    trained = replace(reader.trained(), ground=255.0)
    assert explained(trained).ground == 1
    assert explained(replace(trained, ground=None)).ground == -1
    assert explained(replace(trained, ground=0.05)).ground == -1  # a level that pixels have: those are empty
