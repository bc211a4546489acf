import numpy as np
import pytest

from audioldm_bench.errors import UserError
from audioldm_bench.metrics.clap_score import clap_scores


def test_cosines_by_hand():
    sounds = np.array([[1.0, 0.0], [3.0, 3.0], [0.0, 2.0]])
    captions = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, -1.0]])
    assert clap_scores(sounds, captions) == pytest.approx([1.0, 0.5**0.5, -1.0])


def test_refuses_what_gives_no_score():
    ones = np.ones((3, 4))
    with pytest.raises(UserError, match="same CLAP"):
        clap_scores(ones, np.ones((3, 5)))
    with pytest.raises(UserError, match="same clips"):
        clap_scores(ones, np.ones((2, 4)))
    with pytest.raises(UserError, match="length 0"):
        clap_scores(ones, np.zeros((3, 4)))
    with pytest.raises(UserError, match="non-finite"):
        clap_scores(ones * np.nan, ones)
