import numpy as np
import pytest

from elmyr.core.errors import InputError
from elmyr.metrics import principal_plane


def test_the_plane_shows_the_two_widest_directions() -> None:
    random = np.random.default_rng(0)
    rows = random.normal(size=(4000, 4)) * [1, 9, 0.5, 3] + [5, 6, 7, 8]
    plane = principal_plane(rows)
    assert np.abs(plane.directions[[1, 3], [0, 1]]) == pytest.approx([1, 1], abs=0.02)
    assert plane.shares == pytest.approx([81 / 91.25, 9 / 91.25], abs=0.02)
    assert plane(rows).std(axis=0) == pytest.approx([9, 3], rel=0.05)
    assert plane(plane.center[None])[0] == pytest.approx([0, 0])
    assert (plane.directions[np.abs(plane.directions).argmax(axis=0), [0, 1]] > 0).all()


def test_rows_that_are_all_alike_lie_in_one_place_and_one_column_spans_no_plane() -> None:
    plane = principal_plane(np.ones((5, 3)))
    assert (plane.shares == 0).all() and (plane(np.ones((2, 3))) == 0).all()
    with pytest.raises(InputError, match="span no plane"):
        principal_plane(np.ones((5, 1)))
    with pytest.raises(InputError, match="columns"):
        plane(np.ones((2, 4)))
