"""What cannot be asked of the articles' systems is refused in one line, before anything is written."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elmyr import Shaping, articles
from elmyr.core.errors import InputError
from elmyr.images import save_npz
from elmyr.studies.articles.config import ArticlesAsk, make_articles_config
from tests.conftest import small_image_set


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    save_npz(small_image_set(144, size=28), tmp_path / "digits.npz")
    return tmp_path / "digits.npz"


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"only": (7,)}, "--only is 7: the articles are 0 to 4, as in --only 0,3"),
        ({"only": (0, -1)}, "--only is -1"),
        ({"only": ()}, "--only is empty"),
        ({"effort": "fast"}, "no effort 'fast': choose from: full, quick"),
        ({"processes": -1}, "--processes is -1: at least 1"),
        ({"shaping": Shaping(imbalance=10)}, "ask for no data-scarcity scenario"),
        ({"images": 0}, "images"),
        ({"device": "cuda:99"}, "no device 'cuda:99'"),
        ({"data": "nowhere.npz"}, "nowhere.npz"),
    ],
)
def test_what_cannot_be_done_is_refused(digits: Path, tmp_path: Path, asked: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        articles(**({"data": digits, "only": (0,)} | asked))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["digits.npz"]


def test_no_name_of_the_articles_is_a_module_of_theirs() -> None:
    import elmyr.studies.articles as package

    modules = {path.stem for path in Path(str(package.__file__)).parent.glob("*.py")}
    assert modules.isdisjoint(package.__all__)  # importing such a module would take the place of what the name means


@pytest.mark.parametrize(
    ("size", "channels", "told"),
    [
        (16, 1, "is 16x16 gray, and the articles' systems take 28x28 gray: pass --size 28$"),
        (28, 3, "is 28x28 RGB, and the articles' systems take 28x28 gray: pass --channels 1$"),
        (16, 3, "pass --size 28 --channels 1$"),
    ],
)
def test_gray_images_of_another_form_are_taken_when_told(tmp_path: Path, size: int, channels: int, told: str) -> None:
    save_npz(small_image_set(144, size=size, channels=channels), tmp_path / "others.npz")
    ask = ArticlesAsk(tmp_path / "others.npz", only=(0,))
    with pytest.raises(InputError, match=told):
        make_articles_config(ask)
    shaped = make_articles_config(replace(ask, shaping=Shaping(size=(28, 28), channels=1)))
    assert shaped.data is not None and shaped.data.images == 90
    with pytest.raises(InputError, match="others"):
        articles(tmp_path / "missing" / "others.npz", only=(0,))


def test_color_images_are_brought_to_64_by_themselves_and_each_set_is_opened_only_where_it_is_needed(
    digits: Path, tmp_path: Path
) -> None:
    gray = make_articles_config(ArticlesAsk(digits, only=(0, 4), data_root=tmp_path))
    assert gray.color is None and gray.numbers == (0, 4) and gray.name == "digits"
    color = make_articles_config(ArticlesAsk(color=digits, only=(3,), data_root=tmp_path))
    assert color.data is None and color.color is not None
    assert color.color.opened().train.images.shape[1:] == (64, 64, 3)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (
            {"data": "digits.npz", "only": (3,)},
            "no gray images: leave out DATA and its form, or .* article: 0, 1, 2, 4$",
        ),
        ({"shaping": Shaping(size=(28, 28)), "only": (3,)}, "take no gray images: leave out DATA and its form"),
        ({"data": np.zeros((9, 28, 28), np.uint8), "only": (3,)}, "take no gray images"),
        ({"color": "digits.npz", "only": (0, 4)}, "no color images: leave out --color, or ask for another article: 3$"),
    ],
)
def test_images_that_no_article_asked_for_takes_are_refused(asked: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        make_articles_config(ArticlesAsk(**asked))


def test_images_that_cannot_be_judged_are_refused(tmp_path: Path) -> None:
    save_npz(small_image_set(48, size=28), tmp_path / "few.npz")
    with pytest.raises(InputError, match="'few' has 6 images to judge by, at least 16 are needed"):
        make_articles_config(ArticlesAsk(tmp_path / "few.npz", only=(0,)))
    one = replace(small_image_set(144, size=28), labels=np.zeros(144, np.int64), classes=("a",))
    save_npz(one, tmp_path / "one.npz")
    with pytest.raises(InputError, match="'one' has one class"):
        make_articles_config(ArticlesAsk(tmp_path / "one.npz", only=(0,)))
