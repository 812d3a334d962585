"""Every distribution maps an even unit cube to what its name says."""

import json
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial.transform import Rotation

from simenv.domain.axis import dims, value_at
from simenv.errors import InputError
from simenv.spec.domain import Distribution

UNLIKELY = 1e-3  # a fixed seed below this p-value would be a wrong distribution, not bad luck
ALMOST_ONE = float(np.nextafter(1.0, 0.0))

SPHERE = {
    "center": (1.0, 2.0, 3.0),
    "radius_m": (0.5, 2.0),
    "elevation_deg": (10.0, 80.0),
    "azimuth_deg": (-30.0, 90.0),
}
FORMS: list[dict[str, Any]] = [
    {"uniform": (-1.0, 3.0)},
    {"uniform": (5, 15)},
    {"uniform": ((0.0, 10.0), (1.0, 30.0))},
    {"log_uniform": (1e-3, 10.0)},
    {"integers": (-2, 4)},
    {"choice": ("a", 2, None)},
    {"choice": {"a": 1, "b": 0, "c": 3}},
    {"so3": "uniform"},
    {"on_sphere": SPHERE},
]


def draw(keys: dict[str, Any], u: Any, **options: Any) -> Any:
    """The value at u of the distribution that a task file would write as ``keys``."""
    return value_at(Distribution.model_validate(keys), u, **options)


def draws(keys: dict[str, Any], count: int = 4000) -> list[Any]:
    """Independent values, the same in every run."""
    width = dims(Distribution.model_validate(keys))
    rng = np.random.default_rng(7)
    return [draw(keys, u) for u in rng.random((count, width))]


def even(count: int) -> NDArray[np.float64]:
    """The midpoints of ``count`` equal parts of [0, 1)."""
    return np.asarray((np.arange(count) + 0.5) / count)


def p_uniform(values: Any, low: float, high: float) -> float:
    """Kolmogorov-Smirnov: how likely values this uneven are if they are uniform."""
    return float(stats.kstest(values, stats.uniform(low, high - low).cdf).pvalue)


@pytest.mark.parametrize("keys", FORMS, ids=str)
def test_a_value_goes_to_json_and_comes_back(keys: dict[str, Any]) -> None:
    for value in draws(keys, count=20):
        assert json.dumps(json.loads(json.dumps(value))) == json.dumps(value)
        numbers = value if isinstance(value, tuple) else (value,)
        assert {type(number) for number in numbers} <= {float, int, str, type(None), dict}


def test_dims_are_what_a_value_needs() -> None:
    assert [dims(Distribution.model_validate(keys)) for keys in FORMS] == [
        1,
        1,
        2,
        1,
        1,
        1,
        1,
        3,
        3,
    ]


@given(low=st.floats(-1e6, 1e6), size=st.floats(1e-9, 1e6), u=st.floats(0, ALMOST_ONE))
def test_uniform_stays_inside_its_ends(low: float, size: float, u: float) -> None:
    high = low + size
    if high > low:
        assert low <= draw({"uniform": (low, high)}, u) <= high


def test_uniform_is_linear_in_u() -> None:
    values = [draw({"uniform": (-1.0, 3.0)}, u) for u in (0.0, 0.25, 0.5, ALMOST_ONE)]
    assert values == pytest.approx([-1.0, 0.0, 1.0, 3.0])


def test_a_uniform_vector_takes_one_u_a_component() -> None:
    vector = {"uniform": ((0.0, 10.0, -1.0), (1.0, 30.0, 1.0))}
    assert draw(vector, (0.5, 0.25, 0.75)) == pytest.approx((0.5, 15.0, 0.5))


@given(low=st.floats(1e-6, 1e3), factor=st.floats(1.001, 1e6), u=st.floats(0, ALMOST_ONE))
def test_log_uniform_stays_inside_its_ends(low: float, factor: float, u: float) -> None:
    assert low <= draw({"log_uniform": (low, low * factor)}, u) <= low * factor


def test_log_uniform_is_even_in_the_logarithm() -> None:
    values = [draw({"log_uniform": (0.01, 100.0)}, u) for u in (0.0, 0.25, 0.5, 0.75)]
    assert values == pytest.approx([0.01, 0.1, 1.0, 10.0])


def test_integers_are_exactly_even_with_both_ends() -> None:
    counts = Counter(draw({"integers": (-2, 4)}, u) for u in even(700))
    assert counts == dict.fromkeys(range(-2, 5), 100)
    assert draw({"integers": (1, 3)}, ALMOST_ONE) == 3


def test_choices_are_exactly_even() -> None:
    assert Counter(draw({"choice": ("a", "b", 3)}, u) for u in even(300)) == {
        "a": 100,
        "b": 100,
        3: 100,
    }


def test_weights_are_kept_and_zero_means_never() -> None:
    choice = {"choice": {"never": 0, "rare": 1, "common": 3, "neither": 0}}
    assert Counter(draw(choice, u) for u in even(400)) == {"rare": 100, "common": 300}
    assert draw(choice, 0.0) == "rare"
    assert draw(choice, 0.25) == "common"
    assert draw(choice, ALMOST_ONE) == "common"


def test_choice_all_is_what_the_caller_offers() -> None:
    assert [draw({"choice": "all"}, u, options=("x", "y")) for u in (0.2, 0.7)] == ["x", "y"]
    with pytest.raises(InputError, match="nothing to choose from here; list the choices"):
        draw({"choice": "all"}, 0.5)


def test_rotations_are_uniform_over_so3() -> None:
    rotations = Rotation.from_quat([value["xyzw"] for value in draws({"so3": "uniform"})])
    # The mean of uniform rotations is 0; the angle has density (1 - cos a) / pi; the axis is even.
    assert np.abs(rotations.as_matrix().mean(axis=0)).max() < 4 / np.sqrt(3 * 4000)
    angle = np.asarray(rotations.magnitude())
    assert stats.kstest(angle, lambda a: (a - np.sin(a)) / np.pi).pvalue > UNLIKELY
    axis = rotations.as_rotvec() / angle[:, None]
    for component in axis.T:
        assert p_uniform(component, -1, 1) > UNLIKELY


def test_the_corners_of_a_sphere_range_are_where_trigonometry_says() -> None:
    low, middle = (draw({"on_sphere": SPHERE}, u) for u in ((0.0, 0.0, 0.25), (1.0, 0.5, 0.25)))
    assert low == pytest.approx((1 + 0.5 * np.cos(np.pi / 18), 2, 3 + 0.5 * np.sin(np.pi / 18)))
    sine = (np.sin(np.radians(10)) + np.sin(np.radians(80))) / 2
    assert middle == pytest.approx((1 + 2 * np.sqrt(1 - sine**2), 2, 3 + 2 * sine))


def test_points_on_a_sphere_are_even_in_area_and_radius() -> None:
    offsets = np.array(draws({"on_sphere": SPHERE})) - SPHERE["center"]
    radius = np.linalg.norm(offsets, axis=1)
    sine = offsets[:, 2] / radius
    azimuth = np.degrees(np.arctan2(offsets[:, 1], offsets[:, 0]))
    assert p_uniform(radius, 0.5, 2.0) > UNLIKELY
    assert p_uniform(sine, *np.sin(np.radians((10.0, 80.0)))) > UNLIKELY
    assert p_uniform(azimuth, -30.0, 90.0) > UNLIKELY
