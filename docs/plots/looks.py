"""Draws docs/looks.png: one pile of parts under twelve looks.

    python docs/plots/looks.py [RENDERER]

The twelve are drawn with RENDERER, egl if it is not given; with another, a row of egl's follows.
"""

import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from simenv.compose import compose
from simenv.domain.sample import sample
from simenv.physics.world import World
from simenv.render.choose import open_renderer
from simenv.scene import Snapshot
from simenv.spec.load import load_task
from simenv.spec.look import Look

DOCS = Path(__file__).parents[1]
TILE = (280, 210)  # pixels
COLUMNS = 4
FONT = (cv2.FONT_HERSHEY_SIMPLEX, 0.5)
EGL_TOO = ("as it comes", "harsh", "two coloured lamps", "soft")
IMAGE = DOCS / "conveyor_pick.png"

LOOKS = {
    "as it comes": "{}",
    "warm": '{"light": {"temperature_k": 3200}, "ambient": {"temperature_k": 3600}}',
    "cold": '{"light": {"temperature_k": 12000}, "ambient": {"temperature_k": 9000}}',
    "dim": '{"light": {"intensity": 0.35}, "ambient": {"intensity": 0.35}}',
    "bright": '{"light": {"intensity": 2.2}, "ambient": {"intensity": 1.6}}',
    "low sun": '{"light": {"elevation_deg": 20, "azimuth_deg": 150, "intensity": 2.5, '
    '"temperature_k": 4000}, "ambient": {"intensity": 0.6}}',
    "harsh": '{"light": {"elevation_deg": 50, "intensity": 1.8}, "ambient": {"intensity": 0.15}}',
    "soft": '{"light": {"elevation_deg": 50, "intensity": 1.6, "softness_deg": 12}, '
    '"ambient": {"intensity": 0.3}}',
    "two coloured lamps": '{"light": {"azimuth_deg": 0, "color": [1, 0.35, 0.2], "intensity": 1.6},'
    '"lights": {"other": {"azimuth_deg": 180, "color": [0.2, 0.45, 1], "intensity": 2}}, '
    '"ambient": {"intensity": 0.25}}',
    "no shadow": '{"light": {"elevation_deg": 50, "intensity": 1.8, "shadow": 0}, '
    '"ambient": {"intensity": 0.15}}',
    "backdrop: shapes": '{"backdrop": {"texture": "shapes", "color": [1, 1, 1]}}',
    "backdrop: an image": '{"backdrop": {"image": "conveyor_pick.png", "color": [1, 1, 1]}}',
}


def main() -> None:
    """Draw and save."""
    name = sys.argv[1] if len(sys.argv) > 1 else "egl"
    shown = pile()
    pictures = [picture(shown, name, title) for title in LOOKS]
    if name != "egl":
        pictures += [picture(shown, "egl", title) for title in EGL_TOO]
    rows = [np.hstack(pictures[k : k + COLUMNS]) for k in range(0, len(pictures), COLUMNS)]
    cv2.imwrite(str(DOCS / "looks.png"), np.vstack(rows), [cv2.IMWRITE_PNG_COMPRESSION, 9])


def pile() -> Snapshot:
    """Scene 1 of bin_pick, at rest."""
    task = load_task("bin_pick")
    with World() as world:
        return world.run(compose(task, sample(task, 0, 1), seed=0)).snapshots[-1]


def picture(shown: Snapshot, renderer: str, title: str) -> NDArray[np.uint8]:
    """BGR, with its title."""
    look = Look.model_validate_json(LOOKS[title])
    if look.backdrop.texture or look.backdrop.image:
        shown = in_the_air(shown)
    scene = replace(shown.scene, look=look, backdrop=IMAGE)
    (camera,) = (camera for camera in scene.cameras if camera.name == "oblique")
    with open_renderer(renderer) as opened:
        frame = opened.render(replace(shown, scene=scene), shown.view(camera))
    small = cv2.resize(frame.rgb[..., ::-1], TILE, interpolation=cv2.INTER_AREA)
    text = title if renderer != "egl" or len(sys.argv) < 2 else f"egl: {title}"
    (width, height), _ = cv2.getTextSize(text, *FONT, 1)
    cv2.rectangle(small, (0, 0), (width + 12, height + 14), (0, 0, 0), cv2.FILLED)
    cv2.putText(small, text, (6, height + 6), *FONT, (255, 255, 255), 1, cv2.LINE_AA)
    return np.asarray(small, np.uint8)


def in_the_air(shown: Snapshot) -> Snapshot:
    """Without floor and table, so that there is something to see of what lies behind."""
    rows = [k for k, body in enumerate(shown.scene.bodies) if body.group in ("parts", "bins")]
    scene = replace(shown.scene, bodies=tuple(shown.scene.bodies[k] for k in rows))
    return replace(shown, scene=scene, X_WB=shown.X_WB[rows], velocity=shown.velocity[rows])


if __name__ == "__main__":
    main()
