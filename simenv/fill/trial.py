"""What candidates come to: their physics is run and their parts are projected; nothing is drawn.

Physics is the smaller part of making a scene. After it, how parts lie is certain, and where they
are seen all but: only what hides them is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv import lens, pose
from simenv.audit.foot import foot, foot_uv
from simenv.audit.joint import Single
from simenv.audit.observe import NEIGHBOURS, neighbours, view_variables
from simenv.compose import compose
from simenv.compose.spawn import extreme_points
from simenv.domain.sample import Sample
from simenv.fill.candidates import Candidates, candidates, in_cells
from simenv.fill.draw import Draw
from simenv.fill.start import Starts, rotations, starts
from simenv.mesh import hull
from simenv.physics.world import World
from simenv.scene import Body, Camera, Snapshot, View
from simenv.spec.object import ObjectModel

__all__ = ["Tried", "tried"]

Cells = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Tried:
    """Candidates that were accepted, a row for each part in each frame."""

    found: Candidates
    begun: Starts  # (P,) how the part of each row started


@dataclass(frozen=True, eq=False)
class _Frame:
    """A snapshot's labelled parts."""

    snapshot: Snapshot
    bodies: Sequence[Body]
    X_WB: Floats  # (n, 4, 4)


def tried(draw: Draw, known: Mapping[str, Single], scenes: Sequence[int]) -> Tried:
    """Run the physics of some scenes, attempt after attempt as generating them would."""
    samples, frames = [], []
    with World() as world:
        for scene in scenes:
            drawn, shots = _run(world, draw, scene)
            if shots:
                samples.append(drawn)
                frames.append([_frame(shot) for shot in shots])
    found, begun = candidates(draw, known, samples), starts(draw, samples)
    first = np.cumsum(begun.counts) - begun.counts
    rows = [
        start + np.arange(count)
        for start, count, own in zip(first, begun.counts, frames, strict=True)
        for _ in own
    ]
    part = np.concatenate([np.zeros(0, np.int64), *rows])
    flat = [frame for own in frames for frame in own]
    cells = {title: own[part] for title, own in found.part.items()}
    cells |= _lying(draw, known, flat) | dict(_seen(known, flat))
    return Tried(replace(found, part=cells, owner=found.owner[part]), begun.at(part))


def _run(world: World, draw: Draw, scene: int) -> tuple[Sample, Sequence[Snapshot]]:
    """The last attempt, and its snapshots; none of a rejected scene."""
    for attempt in range(draw.task.spec.physics.max_attempts):
        drawn = draw(scene, attempt=attempt)
        outcome = world.run(compose(draw.task, drawn, seed=draw.seed))
        if not outcome.reason:
            return drawn, outcome.snapshots
    return drawn, ()


def _frame(snapshot: Snapshot) -> _Frame:
    rows = [k for k, body in enumerate(snapshot.scene.bodies) if body.role == "part"]
    return _Frame(snapshot, [snapshot.scene.bodies[k] for k in rows], snapshot.X_WB[rows])


def _lying(draw: Draw, known: Mapping[str, Single], frames: Sequence[_Frame]) -> dict[str, Cells]:
    """Title -> cells (P,) of how the parts lie."""
    X_WB = np.concatenate([np.zeros((0, 4, 4)), *(own.X_WB for own in frames)])
    bodies = [body for own in frames for body in own.bodies]
    number = np.repeat(np.arange(len(frames)), [len(own.bodies) for own in frames])
    names = np.array([body.object for body in bodies], dtype=object)
    half = np.array([draw.task.objects[name].diameter_m / 2 for name in names])
    face, turn = rotations(draw.task, names, X_WB[:, :3, :3])
    near = np.minimum(neighbours(X_WB[:, :3, 3], half, number), len(NEIGHBOURS) - 1)
    found = {"face": face, "orientation": turn, "neighbours": near}
    return {title: cells for title, cells in found.items() if title in known}


def _seen(known: Mapping[str, Single], frames: Sequence[_Frame]) -> Iterator[tuple[str, Cells]]:
    """Title and cells (P,) of where the cameras see the parts."""
    cameras = frames[0].snapshot.scene.cameras if frames else ()
    for k, camera in enumerate(cameras):
        shots = [_shot(own, own.snapshot.scene.cameras[k]) for own in frames]
        table = {name: np.concatenate([own[name] for own in shots]) for name in shots[0]}
        there = table["box_visible"][:, 2:].min(axis=1) > 0
        size = np.array([camera.width, camera.height])
        for title, cells in in_cells(known, view_variables(table, f"view/{camera.name}", size)):
            if not title.endswith(": visible_fraction"):
                yield title, np.where(there, cells, -1)


def _shot(frame: _Frame, camera: Camera) -> dict[str, NDArray[Any]]:
    """What a dataset would say of the parts if nothing hid them."""
    view = frame.snapshot.view(camera)
    X_CB = pose.inverse(view.X_WC) @ frame.X_WB
    boxes = np.zeros((len(X_CB), 4), np.int64)
    for row, (body, X) in enumerate(zip(frame.bodies, X_CB, strict=True)):
        points = extreme_points(frame.snapshot.scene.objects[body.object])
        p_C = points @ X[:3, :3].T + X[:3, 3]
        if p_C[:, 2].min() > 0:
            uv = lens.project(p_C, view.K, view.distortion)
            low = np.clip(np.ceil(uv.min(axis=0)), 0, None)
            high = np.minimum(np.floor(uv.max(axis=0)), [camera.width - 1, camera.height - 1])
            boxes[row] = [*low, *(high - low + 1)]
    seen = {"box_visible": boxes, "X_CB": X_CB, "visible_fraction": np.full(len(X_CB), np.nan)}
    return {**seen, "foot": _feet(frame, view)}


def _feet(frame: _Frame, view: View) -> Floats:
    """The pixels (n, 2) where the parts stand."""
    objects, count = frame.snapshot.scene.objects, len(frame.bodies)
    each = [
        foot(X[None], _corners(objects[body.object]))
        for body, X in zip(frame.bodies, frame.X_WB, strict=True)
    ]
    p_W = np.concatenate([np.zeros((0, 3)), *each])
    bent = np.zeros(8) if view.distortion is None else view.distortion
    return foot_uv(p_W, *(np.repeat(own[None], count, 0) for own in (view.X_WC, view.K, bent)))


@lru_cache(maxsize=256)
def _corners(model: ObjectModel) -> Floats:
    return hull(model.mesh.vertices)
