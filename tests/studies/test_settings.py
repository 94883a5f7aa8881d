"""The settings of a study, in every form that `train` takes."""

from __future__ import annotations

from typing import Any

import pytest

from elmyr.core.errors import InputError
from elmyr.images import ImageSet
from elmyr.studies import StudyAsk, make_study_plan
from tests.conftest import small_image_set

FORMS: list[Any] = [
    {"network.base": 8, "adversarial.learning_rate": 2e-4, "loop.keep": 1},
    ("network.base=8", "adversarial.learning_rate=2e-4", "loop.keep=1"),
]
BLOBS: ImageSet = small_image_set(180)


@pytest.mark.parametrize("settings", FORMS)
def test_settings_of_every_form_are_kept_as_the_command_line_has_them(settings: Any) -> None:
    config = make_study_plan(StudyAsk(BLOBS, seeds=1, images=64, updates=2, settings=settings, allow_duplicates=True))
    assert config.settings == ("network.base=8", "adversarial.learning_rate=0.0002", "loop.keep=1")


def test_a_setting_that_is_none_is_refused_before_a_study_begins() -> None:
    with pytest.raises(InputError, match=r"no setting 'lr': did you mean 'adversarial.learning_rate'\?"):
        make_study_plan(StudyAsk(BLOBS, seeds=1, images=64, settings={"lr": 1e-3}))
