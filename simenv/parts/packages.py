"""What comes off a packing line: printed cartons and cans."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from simenv.mesh import Mesh
from simenv.parts import prints
from simenv.parts.build import FACE_AXES, rounded_box, surface
from simenv.parts.part import Part, turns
from simenv.parts.prints import Brand, Rect
from simenv.parts.wrapped import wrapped

__all__ = ["can", "carton_small", "carton_tall"]

Size = tuple[float, float, float]

FACES = ("front", "right", "back", "left", "top", "bottom")  # -y +x +y -x +z -z, as FACE_AXES
FILLET = 0.0007  # of a carton's edges
CARTON_STEPS = 2


def _face_size(size: Size, name: str) -> tuple[float, float]:
    """Width and height of a face as someone sees it who looks at it."""
    right, up = FACE_AXES[FACES.index(name)]
    return float(np.abs(right) @ size), float(np.abs(up) @ size)


def _layout(size: Size, rows: Sequence[Sequence[str]]) -> tuple[dict[str, Rect], float]:
    """Where each face lies in the print, at one scale; and the print's height over its width."""
    sizes = {name: _face_size(size, name) for row in rows for name in row}
    width = max(sum(sizes[name][0] for name in row) for row in rows)
    heights = [max(sizes[name][1] for name in row) for row in rows]
    places, y = {}, 0.0
    for row, height in zip(rows, heights, strict=True):
        x = 0.0
        for name in row:
            w, h = sizes[name]
            places[name] = (x / width, y / sum(heights), w / width, h / sum(heights))
            x += w
        y += height
    return places, sum(heights) / width


def _carton_mesh(size: Size, places: Mapping[str, Rect]) -> Mesh:
    """A filleted box; what is printed on a face goes on half around its edges."""
    triangles = rounded_box(size, FILLET, CARTON_STEPS)
    uvs = np.empty((*triangles.shape[:2], 2))
    for name, rows in zip(FACES, np.split(np.arange(len(triangles)), 6), strict=True):
        uvs[rows] = _face_uvs(triangles[rows], size, name, places[name])
    return surface(triangles, uvs=uvs)


def _face_uvs(
    triangles: NDArray[np.float64], size: Size, name: str, place: Rect
) -> NDArray[np.float64]:
    right, up = FACE_AXES[FACES.index(name)]
    across, height = (triangles @ axis / (np.abs(axis) @ size) + 0.5 for axis in (right, up))
    x, y, w, h = place
    return np.stack([x + w * across, 1.0 - y - h * (1.0 - height)], axis=-1)


def _carton(
    name: str,
    summary: str,
    *,
    size: Size,
    rows: Sequence[Sequence[str]],
    brands: Mapping[str, Brand],
) -> Part:
    places, aspect = _layout(size, rows)
    x, y, z = (side / 2 for side in size)
    return Part(
        name=name,
        class_="carton",
        summary=summary,
        mesh=_carton_mesh(size, places),
        collision=[{"shape": "box", "size_m": list(size)}],
        density=420.0,
        lateral=0.45,
        color=(1.0, 1.0, 1.0),
        discrete=turns(2, flips=True),
        keypoints={
            "front": (0.0, -y, 0.0),
            "right": (x, 0.0, 0.0),
            "back": (0.0, y, 0.0),
            "left": (-x, 0.0, 0.0),
            "top": (0.0, 0.0, z),
            "bottom": (0.0, 0.0, -z),
        },
        tags=("cardboard", "package", "printed"),
        textures={key: prints.carton(brand, places, aspect) for key, brand in brands.items()},
    )


def carton_small() -> Part:
    """A folding box of 90 x 60 x 40 mm."""
    return _carton(
        "carton_small",
        "Printed folding box, 90 x 60 x 40 mm. Origin: the centre; front towards -y.",
        size=(0.09, 0.06, 0.04),
        rows=[("top", "bottom"), ("front", "back"), ("right", "left")],
        brands={
            "tea": Brand(
                "HAVENLEAF", "green tea", (226, 238, 208), (66, 128, 62), (24, 66, 34), 401234987610
            ),
            "screws": Brand(
                "FIXARO", "screws 4 x 40", (244, 206, 40), (36, 36, 40), (24, 24, 28), 402871155093
            ),
            "soap": Brand(
                "LUMINA", "hand soap", (236, 224, 240), (150, 84, 168), (86, 30, 104), 859330127746
            ),
            "bulbs": Brand(
                "VOLTIQ", "LED 7 W", (214, 232, 244), (24, 104, 176), (14, 50, 100), 690015533284
            ),
        },
    )


def carton_tall() -> Part:
    """A folding box of 70 x 45 x 150 mm."""
    return _carton(
        "carton_tall",
        "Printed folding box, 70 x 45 x 150 mm. Origin: the centre; upright, front towards -y.",
        size=(0.07, 0.045, 0.15),
        rows=[("front", "right", "back", "left"), ("top", "bottom")],
        brands={
            "cereal": Brand(
                "CRUNKO", "oat flakes", (250, 232, 198), (206, 84, 32), (120, 38, 16), 761204458830
            ),
            "pasta": Brand(
                "SEMOLA",
                "penne 400 g",
                (22, 58, 120),
                (232, 196, 60),
                (250, 250, 244),
                803998210047,
            ),
            "filter": Brand(
                "AERIX", "filter bags", (238, 240, 242), (40, 150, 160), (20, 74, 84), 540761198325
            ),
        },
    )


def can() -> Part:
    """A tin of 73 x 100 mm with a paper label."""
    half, seam, wall = 0.050, 0.0365, 0.0359
    profile = [(0.0, 0.0015 - half), (0.031, 0.0015 - half), (0.0335, 0.0025 - half)]
    profile += [(0.0345, -half), (0.0358, -half), (seam, 0.0006 - half), (seam, 0.0028 - half)]
    profile += [(wall, 0.0036 - half)]
    profile += [(r, -z) for r, z in reversed(profile)]
    skin, bands = wrapped(profile, {"bottom": (0, 7), "label": (7, 8), "top": (8, 15)}, segments=48)
    metal = {"bottom": (176, 178, 182), "top": (196, 198, 202)}
    brands = {
        "tomato": Brand(
            "ROSSO VIVO",
            "peeled tomatoes",
            (244, 236, 220),
            (190, 36, 30),
            (120, 16, 16),
            800145577203,
        ),
        "peas": Brand(
            "GARTENHOF", "sweet peas", (214, 234, 190), (46, 120, 44), (22, 66, 26), 400530098714
        ),
        "coffee": Brand(
            "MORVEN", "ground coffee", (58, 36, 26), (206, 160, 84), (246, 232, 206), 871066230159
        ),
        "paint": Brand(
            "COLORIX", "enamel 0.4 l", (240, 240, 238), (28, 90, 170), (16, 44, 96), 325118840962
        ),
    }
    return Part(
        name="can",
        summary="Printed tin can. Origin: the centre; z along the axis.",
        mesh=skin,
        collision=[{"shape": "cylinder", "radius_m": seam, "length_m": 2 * half}],
        density=1080.0,
        lateral=0.35,
        rolling=0.002,
        color=(1.0, 1.0, 1.0),
        continuous=[(0.0, 0.0, 1.0)],
        discrete=[(180.0, 0.0, 0.0)],
        keypoints={
            "top_center": (0.0, 0.0, half - 0.0015),
            "bottom_center": (0.0, 0.0, 0.0015 - half),
            "seam_top": (seam, 0.0, half - 0.0015),
            "seam_bottom": (seam, 0.0, 0.0015 - half),
            "label_back": (-wall, 0.0, 0.0),
        },
        tags=("metal", "package", "printed"),
        textures={key: prints.wrap(brand, bands, metal) for key, brand in brands.items()},
    )
