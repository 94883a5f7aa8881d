from pathlib import Path

import numpy as np
import pytest
from PIL import ImageFont

from elmyr.images import captioned_grid, drawable_names
from elmyr.images.pictures import fonts

IMAGE = np.full((1, 8, 8, 1), 200, np.uint8)
SCRIPTS = {
    "Latin": ("Äpfel", "Öpfel"),
    "Greek": ("άλφα", "βήτα"),
    "Cyrillic": ("жук", "щит"),
    "Chinese": ("划痕", "正常"),
    "Japanese": ("ねこ", "いぬ"),
    "Korean": ("고양이", "강아지"),
    "Arabic": ("قط", "كلب"),
    "Thai": ("แมว", "หมา"),
    "symbols": ("Ω > 5", "∑ > 5"),
    "emoji": ("🐈", "🐕"),
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_no_two_names_of_any_script_look_the_same_in_a_picture(script: str) -> None:
    names, legend = drawable_names(SCRIPTS[script])
    one, other = (captioned_grid(IMAGE, [f"label {name}"], 1) for name in names)
    assert one.shape != other.shape or (one != other).any()
    assert len(legend) in (0, 1, 2) and all(line.split(": ")[1] in SCRIPTS[script] for line in legend)


def test_a_name_without_a_font_is_shown_by_number_and_explained(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # no fontconfig
    monkeypatch.setattr(fonts, "font_folders", lambda: [tmp_path])
    (tmp_path / "not-a-font.ttf").write_bytes(b"no font")
    fonts.font_of.cache_clear()
    try:
        assert drawable_names(("good", "划痕", "crack")) == (["good", "class 1", "crack"], ["class 1: 划痕"])
    finally:
        fonts.font_of.cache_clear()


def test_a_font_is_found_in_the_usual_places_without_fontconfig(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = ImageFont.load_default(13)
    assert fonts.has_glyphs(own, "plain words, 98%") and not fonts.has_glyphs(own, "猫")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "Own.TTF").write_bytes(own.font_bytes)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(fonts, "font_folders", lambda: [tmp_path])
    fonts.font_of.cache_clear()
    try:
        assert fonts.font_of("words", 13) is not None and fonts.font_of("猫", 13) is None
    finally:
        fonts.font_of.cache_clear()


def test_words_stay_under_their_image_and_the_longest_are_cut() -> None:
    images = np.concatenate([IMAGE, IMAGE])
    picture = captioned_grid(images, ["label x", "label " + "very long " * 20 + "name"], 2)
    assert picture.shape[1] >= 480
    left, right = picture[8 + 96 :, :232], picture[8 + 96 :, 236:]
    assert (left < 100).any() and (right < 100).any()
    assert (picture[:, 8 + 220 : 8 + 228] == 255).all() and (picture[:, 8 + 2 * 228 :] == 255).all()
