"""Directions: what they promise of latents, that they are measured and kept, and what is refused."""

from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from elmyr.core.errors import InputError
from elmyr.core.notes import Note
from elmyr.images import load_images
from elmyr.nets import PAIRS, NetworkConfig
from elmyr.nets.latent_figures import LatentFigures
from elmyr.tasks.gan import open_gan
from elmyr.tasks.gan.directions import FILE, PICTURE, Directions, find_directions, keep_directions, told_of_directions
from elmyr.tasks.gan.directions.closed_form import principal, sefa
from elmyr.tasks.gan.directions.figures import IMAGE_FIGURES, figures_for
from elmyr.tasks.gan.directions.moving import FigureMove, LineMove, moved
from elmyr.tasks.gan.model import GAN, CodeConfig, GANConfig
from elmyr.tasks.gan.sampling.moves import amounts_of

STORED = Path(__file__).parents[3] / "stored" / "gan" / "finished"
QUICK = {"count": 3_000, "judged": 30}


def new_gan(name: str = "residual", classes: tuple[str, ...] = ("a", "b"), channels: int = 1, code: int = 0) -> GAN:
    network = NetworkConfig(name=name, base=8, latent=16, embedding=8)
    values = {"code": CodeConfig(values=code)}
    config = GANConfig(height=8, width=8, channels=channels, classes=classes, network=network, **values)
    torch.manual_seed(0)
    generator, discriminator = config.build()
    for parameter in generator.parameters():  # beyond what new networks draw, so that images differ
        parameter.data += 0.1 * torch.randn_like(parameter)
    return GAN(config, generator, discriminator, device="cpu", precision="fp32")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run that keeps its directions."""
    path = tmp_path_factory.mktemp("runs") / "gan"
    copytree(STORED, path)
    gan = open_gan(path, device="cpu", precision="fp32")
    assert keep_directions(gan, find_directions(gan, ["brightness", "sefa"], **QUICK)) == path / PICTURE
    return path


class Straight(LatentFigures):
    """Figures that are the first entries of the latents, so that what moves them is known."""

    def forward(self, latents: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        return latents[:, :2] + 0 * latents[:, 2:3]


def test_a_figure_moves_by_what_was_asked_what_is_held_stays_and_so_does_the_length() -> None:
    latents = torch.randn(50, 64, generator=torch.Generator().manual_seed(0))
    reads = Straight(64, 0, 2)
    there = moved(latents, None, [(FigureMove(0, (1,)), 1.0)], reads)
    assert torch.allclose(there[:, 0] - latents[:, 0], torch.tensor(1.0), atol=0.12)
    assert torch.allclose(there[:, 1], latents[:, 1], atol=0.06)
    assert torch.allclose(there.norm(dim=1), latents.norm(dim=1), rtol=1e-5)
    both = moved(latents, None, [(FigureMove(0, (1,)), 1.0), (FigureMove(1, (0,)), -1.0)], reads)
    assert torch.allclose(both[:, :2] - latents[:, :2], torch.tensor([1.0, -1.0]), atol=0.1)


def test_a_line_is_followed_straight_and_a_code_stays_as_it_was_asked_for() -> None:
    latents = torch.randn(20, 16, generator=torch.Generator().manual_seed(0))
    latents[:, :3] = latents[:, :3].clamp(-1, 1)
    vector = torch.nn.functional.one_hot(torch.tensor(5), 16).float()
    there = moved(latents, None, [(LineMove(vector), 2.0)], Straight(16, 0, 2), code=3)
    assert torch.equal(there[:, :3], latents[:, :3])
    assert torch.allclose(there[:, 3:].norm(dim=1), latents[:, 3:].norm(dim=1), rtol=1e-5)
    direction = there[:, 3:] / there[:, 3:].norm(dim=1, keepdim=True)
    straight = latents[:, 3:] + 2 * vector[3:]
    assert torch.allclose(direction, straight / straight.norm(dim=1, keepdim=True), atol=1e-5)
    figure = moved(latents, None, [(FigureMove(1, ()), 1.0)], Straight(16, 0, 2), code=3)
    assert torch.equal(figure[:, :3], latents[:, :3])  # it would have to move what is asked for: it does not


def test_no_amount_is_the_plain_sample_to_the_bit_and_an_amount_another(run: Path) -> None:
    gan = open_gan(run, device="cpu")
    plain = gan.sample(12, seed=3).images
    assert np.array_equal(gan.sample(12, seed=3, move={"brightness": 0.0}).images, plain)
    brighter = gan.sample(12, seed=3, move={"brightness": 2.0})
    assert brighter.images.mean() > plain.mean() + 3
    assert np.array_equal(gan.sample(5, seed=3, move={"brightness": 2.0}).images, brighter.images[:5])
    by_hand = Directions.load(run).by({"brightness": 2.0})
    assert np.array_equal(gan.sample(12, seed=3, move=by_hand).images, brighter.images)


def test_what_is_found_again_is_the_same_to_the_bit(run: Path) -> None:
    gan = open_gan(run, device="cpu", precision="fp32")
    again, kept = find_directions(gan, ["brightness", "sefa"], **QUICK), Directions.load(run)
    assert again.all == kept.all and again.names == kept.names and again.names[:2] == ["brightness", "sefa-1"]
    latents = gan.config.latents(7, torch.Generator().manual_seed(1))
    labels = torch.arange(7)
    for name in again.names:
        assert torch.equal(again.moved(latents, labels, {name: 1.5}), kept.moved(latents, labels, {name: 1.5}))
    other = find_directions(gan, ["brightness"], seed=1, **QUICK)
    assert not torch.equal(
        other.moved(latents, labels, {"brightness": 1}), kept.moved(latents, labels, {"brightness": 1})
    )


def test_brightness_is_measured_to_move_brightness(run: Path) -> None:
    (brightness, *_) = Directions.load(run).all
    assert brightness.moves == "brightness" and brightness.way == "figure" and brightness.kept is None
    assert brightness.correlation > 0.6 and 0.3 < brightness.slope < 1.5  # of a GAN that has seen 640 images
    assert brightness.others.keys() == {"slant"} and brightness.kin.keys() == {"thickness", "contrast"}
    assert np.all(np.diff(brightness.changes) > 0)  # by -2, -1, 1 and 2


class Reads:
    """A recognizer by brightness, which moving along it deceives."""

    classes_ = np.array([str(digit) for digit in range(10)])

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.where(np.asarray(X).mean((1, 2, 3)) > 128, "1", "0")


def test_a_recognizer_tells_whether_the_class_stays() -> None:
    gan = open_gan(STORED, device="cpu")
    found = find_directions(gan, "contrast", recognizer=Reads(), **QUICK)
    assert found.all[0].kept is not None and 0 <= found.all[0].kept < 0.5  # eight digits of ten are never told
    assert len(found.all[0].kept_by) == 4 and np.isclose(np.mean(found.all[0].kept_by), found.all[0].kept)
    assert "at the least" in list(told_of_directions(found))[1]
    with pytest.raises(InputError, match="the recognizer does not know the class 'a'"):
        find_directions(new_gan(), "contrast", recognizer=Reads(), **QUICK)


def test_without_classes_the_class_is_what_was_read_before() -> None:
    found = find_directions(new_gan(classes=()), "contrast", recognizer=Reads(), **QUICK)
    assert found.all[0].kept is not None and found.all[0].kept > 0.5


def test_sefa_is_the_singular_vectors_of_the_layer_that_takes_the_latents() -> None:
    gan = new_gan()
    weight = dict(gan.generator.named_parameters())["root.weight"].detach()[:, :16]
    _, _, expected = torch.linalg.svd(weight)
    assert torch.allclose((sefa(gan) * expected[:10]).sum(1).abs(), torch.ones(10), atol=1e-4)
    assert sefa(new_gan(code=2))[:, :2].abs().max() < 1e-6


def test_the_factors_that_an_infogan_discovered_are_moved_and_end_at_one() -> None:
    gan = open_gan(STORED.parents[1] / "infogan" / "finished", device="cpu")
    code = gan.config.code
    found = find_directions(gan, "value", **QUICK)
    assert found.names == [f"value-{number + 1}" for number in range(code.values)]
    latents = gan.config.latents(9, torch.Generator().manual_seed(2))
    there = found.moved(latents, None, {"value-1": 0.75})
    expected = latents.clone()
    expected[:, code.categories] = (expected[:, code.categories] + 0.75).clamp(-1, 1)
    assert torch.allclose(there, expected, atol=1e-6)
    with pytest.raises(InputError, match="--by value is for a GAN that discovers factors"):
        find_directions(new_gan(), "value", **QUICK)


def test_principal_directions_move_what_varies_most() -> None:
    gan = new_gan()
    latents, labels = torch.randn(400, 16, generator=torch.Generator().manual_seed(0)), torch.arange(400) % 2
    images = np.zeros((400, 8, 8, 1), np.uint8)  # of which all is decided by one entry, but for the class
    images[:] = (100 + 20 * latents[:, 4].clamp(-3, 3) + 30 * labels).numpy().round()[:, None, None, None]
    first = principal(gan, latents, labels, images)[0]
    assert first[4].abs() > 0.99 and first.norm().item() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("name", sorted(PAIRS))
def test_every_pair_of_networks_has_directions_or_says_which_way_is_not_for_it(name: str) -> None:
    side = {"dcgan64": 64}.get(name, 8)
    network = NetworkConfig(name=name, base=8, latent=32, embedding=8)
    config = GANConfig(height=side, width=side, channels=1, classes=("a", "b"), network=network)
    gan = GAN(config, *config.build(), device="cpu", precision="fp32")
    try:
        vectors = sefa(gan)
    except InputError as error:
        assert "which sefa needs: leave it out" in str(error) and name in ("style", "biggan-lite", "r3gan")
    else:
        assert 8 <= len(vectors) <= 10 and vectors.shape[1] == 32  # no more than the layer has outputs
        assert torch.allclose(vectors @ vectors.T, torch.eye(len(vectors)), atol=1e-4)


@pytest.mark.parametrize("channels", [1, 3])
def test_every_figure_is_one_number_an_image(channels: int) -> None:
    digits = load_images("digits").images[:20]
    images = np.repeat(digits, channels, axis=3)
    for name in figures_for(channels):
        values = IMAGE_FIGURES[name].of(images)
        assert values.shape == (20,) and values.dtype == np.float64 and np.isfinite(values).all()
        assert set(IMAGE_FIGURES[name].kin) <= IMAGE_FIGURES.keys()


@pytest.mark.parametrize(
    ("by", "said"),
    [
        ("slnt", "no way 'slnt' to find directions: did you mean 'slant'"),
        ("saturation", "--by saturation is a figure of color images, these are gray"),
        (["pca", ""], "no way ''"),
    ],
)
def test_a_way_that_is_none_is_refused(by: str | list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        find_directions(new_gan(), by, **QUICK)


def test_a_figure_that_does_not_vary_is_refused_where_it_was_named_and_left_out_where_not() -> None:
    gan = new_gan(channels=3)
    for parameter in gan.generator.parameters():
        parameter.data.zero_()
    with pytest.raises(InputError, match="the brightness of these images does not vary: leave out --by brightness"):
        find_directions(gan, "brightness", **QUICK)
    with pytest.raises(InputError, match="no figure of these images varies"):
        find_directions(gan, **QUICK)


def test_what_has_no_directions_says_which_command_finds_them(run: Path, tmp_path: Path) -> None:
    copytree(STORED, tmp_path / "gan")
    with pytest.raises(InputError, match=r"has no directions yet: elmyr directions .*gan"):
        open_gan(tmp_path / "gan", device="cpu").sample(2, move={"brightness": 1})
    with pytest.raises(InputError, match=r"keeps no directions: take the finished run"):
        new_gan().sample(2, move={"brightness": 1})
    for name, said in (("brightnes", "did you mean 'brightness'"), ("thickness", "no direction 'thickness'")):
        with pytest.raises(InputError, match=said):
            open_gan(run, device="cpu").sample(2, move={name: 1})
    with pytest.raises(InputError, match="give a number"):
        open_gan(run, device="cpu").sample(2, move={"brightness": float("nan")})


def test_directions_of_another_model_and_damaged_ones_are_refused(run: Path, tmp_path: Path) -> None:
    copytree(run, tmp_path / "gan")
    weights = tmp_path / "gan" / "model" / "generator.safetensors"
    save_file({name: value + 0.01 for name, value in load_file(weights).items()}, weights)
    with pytest.raises(InputError, match="are those of another model of it: elmyr directions"):
        Directions.load(tmp_path / "gan")
    whole = (run / FILE).read_bytes()
    for content in (b"", whole[:100], whole[:-10], b"\xff" * 200):
        (tmp_path / "gan" / FILE).write_bytes(content)
        with pytest.raises(InputError, match="is damaged"):
            Directions.load(tmp_path / "gan")


def test_amounts_are_read_as_written() -> None:
    assert amounts_of(["thickness=+1.5", "slant=-1", "pca-1=\u22122"]) == {"thickness": 1.5, "slant": -1, "pca-1": -2}
    for word in ("thickness", "thickness=", "=1", "thickness=much"):
        with pytest.raises(InputError, match="is no amount of a direction: write it as thickness=1.5"):
            amounts_of([word])
    with pytest.raises(InputError, match="--move a is given twice"):
        amounts_of(["a=1", "a=2"])


def test_an_amount_beyond_what_was_measured_is_done_and_said(run: Path) -> None:
    gan = open_gan(run, device="cpu")
    with pytest.warns(
        Note, match=r"brightness=\+2.5 is beyond the measured range of ±2: look whether the classes stay"
    ):
        further = gan.sample(12, move={"brightness": 2.5}).images
    assert further.mean() > gan.sample(12, move={"brightness": 2}).images.mean()


def test_a_model_that_was_saved_by_hand_keeps_directions_too(run: Path, tmp_path: Path) -> None:
    open_gan(run, device="cpu").save(tmp_path)
    gan = GAN.load(tmp_path, device="cpu")
    keep_directions(gan, find_directions(gan, "contrast", count=256, judged=2))
    assert not np.array_equal(gan.sample(5, move={"contrast": 1}).images, gan.sample(5).images)
