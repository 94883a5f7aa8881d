import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from elmyr.metrics.arrays import mid_ranks


@given(st.lists(st.sampled_from([-2.0, 0.0, 0.5, 1e9]) | st.floats(allow_nan=False), min_size=1, max_size=40))
def test_ranks_are_scipys(values: list[float]) -> None:
    assert mid_ranks(np.array(values)).tolist() == rankdata(values).tolist()
