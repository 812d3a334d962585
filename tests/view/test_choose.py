"""The images that are shown are spread over scenes, cameras and frames, and never shown twice."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from simenv.view.choose import spread


@given(
    frames=st.lists(st.integers(1, 6), max_size=12),
    cameras=st.integers(1, 4),
    wanted=st.integers(1, 60),
)
def test_as_many_as_wanted_or_all_in_order_none_twice(
    frames: list[int], cameras: int, wanted: int
) -> None:
    scenes = np.repeat(np.arange(len(frames)) * 3, frames)
    chosen = spread(scenes, cameras, wanted)
    assert len(chosen) == min(wanted, len(scenes) * cameras)
    assert chosen == sorted(set(chosen))
    assert all(0 <= f < len(scenes) and 0 <= c < cameras for f, c in chosen)


def test_twenty_four_of_a_large_dataset_cover_it_evenly() -> None:
    scenes = np.repeat(np.arange(1000), 5)
    chosen = spread(scenes, 3, 24)
    shown = [int(scenes[frame]) for frame, _ in chosen]
    assert np.diff(shown).min() >= 41  # 1000 / 24
    assert shown[-1] - shown[0] >= 950
    assert Counter(camera for _, camera in chosen) == {0: 8, 1: 8, 2: 8}
    assert set(Counter(frame % 5 for frame, _ in chosen)) == {0, 1, 2, 3, 4}
    assert max(Counter(frame % 5 for frame, _ in chosen).values()) <= 7


def test_one_long_scene_is_shown_from_beginning_to_end() -> None:
    frames = [frame for frame, _ in spread(np.zeros(600, dtype=np.int64), 2, 12)]
    assert max(np.diff([0, *frames, 600])) <= 110
