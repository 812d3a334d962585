"""Cornell's and Jacquard's files hold the grasps that a camera sees along its axis."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import simenv
from simenv.errors import InputError
from simenv.export import RECTANGLE_FORMATS, export
from simenv.generate import generate
from simenv.split import split
from tests.export.conftest import files
from tests.grasp.hand_made import ABOVE, FOUR, project

PAD_M = 0.022  # of jaw85
OPENING_M = 0.07
DIGITS = 2e-3  # px


@pytest.fixture(scope="module")
def picked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scenes of a post with grasps from above, from below and from the side."""
    folder = tmp_path_factory.mktemp("picked")
    generate(project(folder), folder / "out", scenes=2, jobs=0, renderer="tiny")
    return folder / "out"


@pytest.fixture(scope="module")
def cornell(picked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("cornell") / "out"
    export(picked, "cornell", out)
    return out


@pytest.fixture(scope="module")
def jacquard(picked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("jacquard") / "out"
    export(picked, "jacquard", out)
    return out


def by_hand(picked: Path, image: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Corners (M, 4, 2) of all grasps seen within 30 degrees, and their probability."""
    with simenv.open(picked) as dataset:
        item = dataset[image]
        own, seen = dataset.table("grasps/jaw85"), dataset.table(f"cameras/{item.camera}/grasps")
        rows = np.flatnonzero(own["frame"] == item.frame)
        found, probability = [], []
        for row in rows:
            X_CG = seen["X_CG"][row]
            if X_CG[2, 2] < np.cos(np.radians(30)):
                continue
            points = []
            for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
                p = X_CG @ (x * OPENING_M / 2, y * PAD_M / 2, 0.0, 1.0)
                u, v, w = item.K @ p[:3]
                points.append((u / w, v / w))
            found.append(points)
            probability.append(own["success_probability"][row])
    return np.array(found).reshape(-1, 4, 2), np.array(probability)


def read_cornell(path: Path) -> NDArray[np.float64]:
    """(N, 4, 2), as its readers take it: four lines a rectangle."""
    rows = [line.split() for line in path.read_text().splitlines()]
    return np.array(rows, dtype=np.float64).reshape(-1, 4, 2)


def test_corners_are_the_projections_of_the_jaw(picked: Path, cornell: Path) -> None:
    """Images 1 and 3 are of the camera above; it stands upright over the table."""
    for image in (1, 3):
        corners, probability = by_hand(picked, image)
        start = cornell / f"01/pcd{100 + image:04d}"
        positives, negatives = (read_cornell(Path(f"{start}{end}.txt")) for end in ("cpos", "cneg"))
        assert len(positives) == 2  # from above, and its half turn
        assert positives.shape == corners[probability >= 0.5].shape
        np.testing.assert_allclose(positives, corners[probability >= 0.5], atol=DIGITS)
        np.testing.assert_allclose(negatives, corners[probability < 0.1], atol=DIGITS)


def test_names_are_those_that_readers_look_for(cornell: Path, jacquard: Path) -> None:
    assert sorted(files(cornell)) == [
        f"01/pcd010{image}{end}"
        for image in (1, 3)
        for end in ("cneg.txt", "cpos.txt", "d.tiff", "r.png")
    ]
    assert sorted(files(jacquard)) == [
        f"post/{image}_post_{end}"
        for image in (1, 3)
        for end in ("RGB.png", "grasps.txt", "mask.png", "perfect_depth.tiff")
    ]


def test_pictures_are_those_of_the_dataset(picked: Path, cornell: Path, jacquard: Path) -> None:
    with simenv.open(picked) as dataset:
        item = dataset[3]
    for name in ("01/pcd0103r.png", "post/3_post_RGB.png"):
        root = cornell if "pcd" in name else jacquard
        rgb = cv2.imread(str(root / name))
        assert rgb is not None
        np.testing.assert_array_equal(rgb[..., ::-1], item.rgb)
    for path in (cornell / "01/pcd0103d.tiff", jacquard / "post/3_post_perfect_depth.tiff"):
        depth = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert depth is not None
        assert depth.dtype == np.float32
        np.testing.assert_allclose(depth, item.depth_m, atol=1e-6)
    mask = cv2.imread(str(jacquard / "post/3_post_mask.png"), cv2.IMREAD_UNCHANGED)
    assert mask is not None
    part = item.ids[item.roles == "part"]
    np.testing.assert_array_equal(mask, 255 * np.isin(item.instance, part))


def test_both_formats_say_the_same_grasps(cornell: Path, jacquard: Path) -> None:
    corners = read_cornell(cornell / "01/pcd0101cpos.txt")
    rows = np.loadtxt(jacquard / "post/1_post_grasps.txt", delimiter=";", ndmin=2)
    np.testing.assert_allclose(rows[:, :2], corners.mean(axis=1), atol=DIGITS)
    along = (corners[:, 1] + corners[:, 2] - corners[:, 0] - corners[:, 3]) / 2
    np.testing.assert_allclose(rows[:, 3], np.linalg.norm(along, axis=1), atol=DIGITS)
    theta = np.radians(rows[:, 2])
    turned = np.cos(theta) * along[:, 1] - np.sin(theta) * along[:, 0]
    np.testing.assert_allclose(turned, 0.0, atol=1e-2)
    assert (np.abs(rows[:, 2]) <= 90).all()


def test_it_says_what_it_wrote_and_the_same_bytes_twice(picked: Path, tmp_path: Path) -> None:
    for to in RECTANGLE_FORMATS:
        line = export(picked, to, tmp_path / to)
        assert line == (
            f"{tmp_path / to}: 2 images, 4 positive, 0 negative grasps; "
            "2 images without a positive left out"
        )
        export(picked, to, tmp_path / f"{to}-again", cameras=["top"])
        assert files(tmp_path / to) == files(tmp_path / f"{to}-again")


def test_a_grasp_that_is_out_of_reach_is_a_negative(tmp_path: Path) -> None:
    """The finger that is too low meets the table: from above as well, but not free."""
    deep = ABOVE.copy()
    deep[2, 3] = -0.075
    task = project(tmp_path, (*FOUR, deep))
    generate(task, tmp_path / "out", scenes=1, jobs=0, renderer="tiny")
    export(tmp_path / "out", "cornell", tmp_path / "cornell")
    assert len(read_cornell(tmp_path / "cornell/01/pcd0101cpos.txt")) == 2
    assert len(read_cornell(tmp_path / "cornell/01/pcd0101cneg.txt")) == 1


@pytest.mark.parametrize("to", RECTANGLE_FORMATS)
def test_a_dataset_without_grasps_is_refused(bare: Path, tmp_path: Path, to: str) -> None:
    with pytest.raises(InputError) as error:
        export(bare, to, tmp_path / "out")
    assert str(error.value) == (
        f"{bare}: has no label grasps, which {to} is made of; add `labels: [grasps]` to the task "
        "and generate it again"
    )
    assert list(tmp_path.iterdir()) == []


def test_grasps_of_a_cup_are_refused(tmp_path: Path) -> None:
    task = project(tmp_path, (ABOVE,), robot="floating, gripper: cup", gripper="cup", kind="vacuum")
    generate(task, tmp_path / "data", scenes=1, jobs=0, renderer="tiny")
    with pytest.raises(InputError) as error:
        export(tmp_path / "data", "cornell", tmp_path / "out")
    assert str(error.value) == (
        f"{tmp_path / 'data'}: its grasps are those of cup, a cup, and cornell is of two jaws; "
        "generate with another gripper, or use --to bop or coco"
    )


def test_where_no_picture_has_a_positive_it_is_said(picked: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no picture has a grasp within 30 degrees of the camera"):
        export(picked, "jacquard", tmp_path / "out", cameras=["side"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("to", RECTANGLE_FORMATS)
def test_a_split_lists_the_pictures_of_each_part(picked: Path, tmp_path: Path, to: str) -> None:
    made = split(picked, name="halves", fractions={"train": 0.5, "test": 0.5}).split
    export(picked, to, tmp_path / "out", split="halves")
    lists = {
        name: (tmp_path / f"out/splits/{name}.txt").read_text().split() for name in made.splits
    }
    with simenv.open(picked) as dataset:
        for name, starts in lists.items():
            first, pattern = (100, r"pcd(\d+)") if to == "cornell" else (0, r"/(\d+)_")
            images = {int(re.findall(pattern, start)[0]) - first for start in starts}
            assert images
            assert images <= set(dataset.images(made.splits[name]).tolist())
    every = [start for starts in lists.values() for start in starts]
    assert all(list((tmp_path / "out").glob(f"{start}*")) for start in every)
    assert len(every) == len(set(every))
