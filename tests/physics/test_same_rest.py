"""The default solver rests parts as an expensive one does: the same ways of lying, as often."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.physics.world import World
from simenv.scene import Scene
from simenv.spec.object import Friction, ObjectModel
from simenv.spec.task import Physics
from tests.physics.build import at, block, can, hulled, part, prism, scene, tote

SCENES, PARTS = 24, 9
REFERENCE = {"solver_iterations": 50, "residual_threshold": 0.0}


def models(folder: Path) -> list[ObjectModel]:
    """Shapes with several ways of lying."""
    disc = prism(0.02, 0.012, sides=16)
    wedge = np.array([[0, 0, 0], [0.05, 0, 0], [0, 0.03, 0], [0, 0, 0.03], [0.05, 0, 0.01]]) - 0.01
    head, shaft = prism(0.014, 0.01, sides=6), prism(0.006, 0.04, sides=8) + np.array([0, 0, 0.025])
    return [
        block(0.05, 0.035, 0.02),
        can(0.015, 0.03),
        hulled(folder, "disc", disc),
        hulled(folder, "wedge", wedge),
        hulled(folder, "bolt", head, shaft),
    ]


def pile(seed: int, shapes: list[ObjectModel], **physics: float) -> Scene:
    """Parts in layers above a tote, in any orientation."""
    rng = np.random.default_rng(seed)
    items = []
    for k in range(PARTS):
        x, y = 0.09 * (k % 2) - 0.045, 0.09 * (k // 2 % 2) - 0.045
        jitter = rng.uniform(-0.01, 0.01, 2)
        rpy_deg = (rng.uniform(-180, 180), rng.uniform(-90, 90), rng.uniform(-180, 180))
        X_WB = at(x + jitter[0], y + jitter[1], 0.08 + 0.09 * (k // 4), rpy_deg)
        shape = shapes[int(rng.integers(len(shapes)))]
        items.append(part(shape, X_WB, Friction(lateral=0.5, rolling=0.002)))
    settings = Physics().model_copy(update=physics)
    return scene(*items, tote(0.24), physics=settings)


@cache
def rests(first_seed: int, settings: tuple[tuple[str, float], ...]) -> NDArray[np.float64]:
    """(N, 2): height of the centre of mass in mm and tilt in degrees of every part that rests."""
    rows = []
    with World() as world, TemporaryDirectory() as folder:
        shapes = models(Path(folder))
        for seed in range(first_seed, first_seed + SCENES):
            outcome = world.run(pile(seed, shapes, **dict(settings)))
            for snapshot in outcome.snapshots:
                for body, X_WB in zip(snapshot.scene.parts, snapshot.X_WB, strict=False):
                    com = snapshot.scene.objects[body.object].mass_properties[0]
                    tilt = np.degrees(np.arccos(np.clip(X_WB[2, 2], -1, 1)))
                    rows.append((1e3 * pose.apply(X_WB, com[None])[0, 2], tilt))
    return np.array(rows)


def p_values(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[float, float]:
    """Kolmogorov-Smirnov p of heights and tilts; 0.5 mm and 2 degrees of noise hide solver dust."""
    from scipy.stats import ks_2samp

    rng = np.random.default_rng(1)
    a, b = (c + rng.uniform(-0.5, 0.5, c.shape) * (0.5, 2.0) for c in (a, b))
    heights, tilts = (float(ks_2samp(a[:, k], b[:, k], method="asymp").pvalue) for k in (0, 1))
    return heights, tilts


def test_the_default_settings_rest_as_the_reference_does() -> None:
    # The same drops on both sides, so that only the solver differs; chaos makes the rests differ.
    reference = rests(0, tuple(REFERENCE.items()))
    ours = rests(0, ())
    assert len(reference) > 0.9 * SCENES * PARTS
    assert len(ours) > 0.9 * SCENES * PARTS
    assert not np.allclose(reference[: len(ours)], ours[: len(reference)], atol=1.0)
    assert min(p_values(reference, ours)) > 0.01


def test_a_solver_that_gives_up_early_would_be_noticed() -> None:
    reference = rests(0, tuple(REFERENCE.items()))
    hasty = rests(0, (("solver_iterations", 1), ("max_penetration_m", 1.0)))
    few = len(hasty) < 0.5 * len(reference)
    assert few or min(p_values(reference, hasty)) < 0.01
