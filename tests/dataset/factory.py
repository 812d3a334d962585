"""Small records whose labels are true by construction: painted rectangles at known depths."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.dataset.index import write_index
from simenv.dataset.lock import identify
from simenv.dataset.record import Attempt, CameraRecord, Record
from simenv.dataset.schema import Header
from simenv.dataset.seal import seal
from simenv.dataset.shard import ShardBuilder
from simenv.dataset.store import commit_shard
from simenv.label.seen import Seen
from simenv.spec.object import Box, ObjectModel, ObjectSpec
from simenv.spec.task import TaskSpec

WIDTH, HEIGHT = 40, 30
SCALE_M = 1e-3
DOMAIN: dict[str, Any] = {
    "actors.parts.count": {"kind": "semantic", "integers": (0, 3)},
    "actors.parts.objects": {"kind": "semantic", "choice": "all", "each": "actor"},
    "actors.parts.spawn.orientation": {"kind": "semantic", "so3": "uniform", "each": "actor"},
    "actors.parts.texture": {"kind": "visual", "choice": "all", "each": "actor"},
    "actors.screws.spawn.height_m": {"kind": "semantic", "uniform": (0.0, 1.0), "each": "actor"},
    "cameras.top.X_WC.eye": {"kind": "semantic", "uniform": ((0.0,) * 3, (1.0,) * 3)},
    "look.light.elevation_deg": {"kind": "visual", "uniform": (25.0, 85.0)},
    "scene.belts.main.profile": {
        "kind": "semantic",
        "choice": (((0.0, 1.0),), ((0.0, 1.0), (1.0, 0.5))),
    },
    "scene.belts.main.texture": {"kind": "visual", "choice": ("rubber", None)},
}
OBJECTS = ("bolt", "cap")


def task(**domain: Any) -> TaskSpec:
    """Two groups, one belt, two cameras, and an axis of every form; ``domain`` replaces rows."""
    group = {"objects": OBJECTS, "spawn": {"zone": "infeed"}}
    camera = {"resolution": (WIDTH, HEIGHT), "K": {"fx": 50.0, "fy": 50.0}}
    camera |= {"X_WC": {"eye": (0.0, 0.0, 1.0), "target": (0.0, 0.0, 0.0)}}
    return TaskSpec.model_validate(
        {
            "format": "simenv-task-1",
            "name": "synthetic",
            "actors": {"parts": group, "screws": group},
            "scene": {
                "belts": {
                    "main": {"length_m": 1.0, "width_m": 0.5, "top_z_m": 0.4, "speed_m_s": 0.1}
                },
                "zones": {"infeed": {"center": (0.0, 0.0, 0.4), "size_m": (0.2, 0.2)}},
            },
            "cameras": {name: {**camera, "depth_scale_m": SCALE_M} for name in ("top", "side")},
            "domain": DOMAIN | domain,
        }
    )


def header(**changes: Any) -> Header:
    """Of a run over `task`."""
    spec = changes.pop("task", None) or task()
    values: dict[str, Any] = {
        "task": spec,
        "task_text": spec.model_dump_json(),
        "catalog_sha256": "c" * 64,
        "seed": 7,
        "renderer": "tiny",
        "tier": "core",
        "shard_scenes": 2,
        "gl": "none",
    }
    return Header(**(values | changes))


def model(name: str, size: tuple[float, float, float]) -> ObjectModel:
    """A box."""
    boxes = (Box(shape="box", size_m=size),)
    spec = {"name": name, "class": "box", "mesh": boxes, "collision": boxes, "mass_kg": 0.1}
    return ObjectModel(ObjectSpec.model_validate({**spec, "keypoints": {"tip": (0.0, 0.0, 0.1)}}))


@dataclass(frozen=True)
class Painted:
    """A rectangle of a body: in pixels, and how far away."""

    id: int
    box: tuple[int, int, int, int]  # x, y, width, height
    depth_m: float


def record(
    scene: int,
    *,
    parts: int = 2,
    screws: int = 1,
    frames: int = 2,
    seed: int = 0,
    belt_length_m: float = 1.0,
    tier: str = "core",
) -> Record:
    """Scene ``scene``; with ``frames`` = 0, a rejected one. Another ``seed`` is another scene."""
    rng = np.random.default_rng([seed, scene])
    bodies, groups = parts + screws + 1, ("parts",) * parts + ("screws",) * screws + ("belts",)
    names = (*(OBJECTS[k % 2] for k in range(bodies - 1)), "belt_main")
    X_WC = {name: _random_poses(rng, frames) for name in ("top", "side")}
    X_WB = _random_poses(rng, frames * bodies).reshape(frames, bodies, 4, 4)
    accepted = Attempt("accepted", "", 1.25)
    rejected = Attempt("rejected", "unsettled", 6.0)
    tries = (rejected,) * int(rng.integers(1, 3)) + ((accepted,) if frames else ())
    return Record(
        scene=scene,
        tier=tier,
        outcome=tries[-1].outcome,
        attempts=tries,
        scene_values={
            "actors.parts.count": parts,
            "cameras.top.X_WC.eye": tuple(rng.random(3).tolist()),
            "look.light.elevation_deg": float(rng.uniform(25, 85)),
            "scene.belts.main.profile": ((0.0, 1.0), (1.0, 0.5)),
            "scene.belts.main.texture": None,
        },
        part_values={
            "actors.parts.objects": names[:parts],
            "actors.parts.spawn.orientation": tuple(
                {"xyzw": tuple(pose.quaternion(X).tolist())} for X in _random_poses(rng, parts)
            ),
            "actors.parts.texture": tuple("red" if k % 2 else None for k in range(parts)),
            "actors.screws.spawn.height_m": tuple(rng.random(screws).tolist()),
        },
        body_id=np.arange(1, bodies + 1, dtype=np.uint16),
        body_group=groups,
        body_role=("part",) * (bodies - 1) + ("furniture",),
        body_object=names,
        body_texture=tuple("red" if k % 2 else "" for k in range(bodies)),
        objects={
            "bolt": model("bolt", (0.01, 0.01, 0.05)),
            "cap": model("cap", (0.03, 0.03, 0.01)),
            "belt_main": model("belt_main", (belt_length_m, 0.5, 0.1)),
        },
        time_s=np.linspace(1.25, 2.25, frames),
        X_WB=X_WB,
        velocity=rng.normal(size=(frames, bodies, 6)),
        cameras={name: _camera(rng, X_WC[name], X_WB) for name in ("top", "side")},
    )


def _random_poses(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    poses = [pose.from_quaternion(rng.normal(size=4), rng.normal(size=3)) for _ in range(count)]
    return np.array(poses).reshape(count, 4, 4)


def _camera(
    rng: np.random.Generator, X_WC: NDArray[np.float64], X_WB: NDArray[np.float64]
) -> CameraRecord:
    frames, bodies = X_WB.shape[:2]
    shots = [_shot(rng, bodies) for _ in range(frames)]
    depth = np.array([shot[0] for shot in shots], dtype=np.uint16).reshape(-1, HEIGHT, WIDTH)
    instance = np.array([shot[1] for shot in shots], dtype=np.uint16).reshape(-1, HEIGHT, WIDTH)
    return CameraRecord(
        images={
            "rgb": list(rng.integers(0, 256, (frames, HEIGHT, WIDTH, 3), dtype=np.uint8)),
            "depth": list(depth),
            "instance": list(instance),
        },
        depth_scale_m=SCALE_M,
        distortion=np.zeros((frames, 8)),
        K=np.tile(np.array([[50.0, 0, 19.5], [0, 50, 14.5], [0, 0, 1]]), (frames, 1, 1)),
        X_WC=X_WC,
        near_far=np.tile([0.1, 3.0], (frames, 1)),
        seen=tuple(
            _seen(shot[1], shot[2], pose.inverse(X_WC[k]) @ X_WB[k]) for k, shot in enumerate(shots)
        ),
    )


def with_images(camera: CameraRecord, **changes: Any) -> CameraRecord:
    """The camera with other pictures."""
    return replace(camera, images={**camera.images, **changes})


def _shot(
    rng: np.random.Generator, bodies: int
) -> tuple[NDArray[np.uint16], NDArray[np.uint16], list[Painted]]:
    """Depth and mask of rectangles painted from far to near, on a background at 2.5 m."""
    depth = np.full((HEIGHT, WIDTH), round(2.5 / SCALE_M), dtype=np.uint16)
    instance = np.zeros((HEIGHT, WIDTH), dtype=np.uint16)
    things = [_painted(rng, id_) for id_ in range(1, bodies + 1)]
    for thing in sorted(things, key=lambda thing: -thing.depth_m):
        x, y, width, height = thing.box
        depth[y : y + height, x : x + width] = round(thing.depth_m / SCALE_M)
        instance[y : y + height, x : x + width] = thing.id
    return depth, instance, things


def _painted(rng: np.random.Generator, id_: int) -> Painted:
    x, y = int(rng.integers(0, WIDTH - 12)), int(rng.integers(0, HEIGHT - 12))
    width, height = (int(side) for side in rng.integers(1, 12, 2))
    return Painted(id_, (x, y, width, height), float(rng.uniform(0.2, 2.0)))


def _seen(instance: NDArray[np.uint16], things: Sequence[Painted], X_CB: Any) -> Seen:
    px_visible = np.array([int((instance == thing.id).sum()) for thing in things], dtype=np.int32)
    px_all = np.array([thing.box[2] * thing.box[3] for thing in things], dtype=np.int32)
    return Seen(
        X_CB=X_CB,
        px_visible=px_visible,
        px_all=px_all,
        visible_fraction=(px_visible / px_all).astype(np.float32),
        box_visible=np.array([_bounds(instance == t.id) for t in things], dtype=np.int32),
        box_all=np.array([thing.box for thing in things], dtype=np.int32),
    )


def _bounds(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    if not mask.any():
        return -1, -1, -1, -1
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    return (
        int(columns[0]),
        int(rows[0]),
        int(columns[-1] - columns[0] + 1),
        int(rows[-1] - rows[0] + 1),
    )


def builder(records: Sequence[Record], *, of: Header | None = None) -> ShardBuilder:
    """A shard with ``records``."""
    shard = ShardBuilder(of or header())
    for one in records:
        shard.add(one)
    return shard


def dataset(out: Path, *shards: Sequence[Record], of: Header | None = None) -> Path:
    """A finished folder of ``shards``."""
    for number, records in enumerate(shards):
        commit(out, number, builder(records, of=of))
    write_index(out)
    return out


def commit(out: Path, number: int, shard: ShardBuilder) -> None:
    """One shard of a run, which the folder is then said to belong to."""
    identify(out, shard.header.identity)
    commit_shard(out, number, shard)


def reseal(path: Path) -> Path:
    """A file that was changed gets a seal that is right for it."""
    data = path.read_bytes()
    path.write_bytes(data + seal(hashlib.sha256(data).hexdigest()))
    return path


THREE = (
    (record(0), record(1, frames=0)),  # a rejected scene in between
    (record(2, frames=0), record(3, frames=0, parts=0)),  # nothing accepted
    (record(4, parts=0, belt_length_m=2.0), record(5, parts=3, frames=3)),  # another belt
)
