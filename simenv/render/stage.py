"""How a snapshot's bodies stand in a render client: loaded once, poses copied in.

Stage coordinates are ``p_S = scale (p_W - centre)``. EGL's shadow map always covers +-10 units
about the origin; drawing a table-top scene larger and centred makes its shadows finer at no cost.

A body that the scene does not use is removed: parked far away it would still cost a third of a body
in view, and making it again costs as little as parking it for two pictures.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.engine import pybullet
from simenv.mesh import Mesh
from simenv.pose import Matrix
from simenv.render.meshfile import MeshFiles, texture_source
from simenv.render.surface import Surface
from simenv.scene import Body, Scene, Snapshot
from simenv.spec.object import ObjectModel

__all__ = ["Stage"]

CENTRE_STEP_M = 0.25  # the centre is rounded to this, so that it seldom changes
SHAPE_LIMIT_BYTES = 100 << 20  # the plugin holds 128 MiB of vertices and never frees one
TRIANGLE_BYTES = 3 * 36  # position, normal and uv of three corners, never shared
ADDED_LIMIT = 2000  # bodies; each leaves about 2 kB in the engine when it is removed

Key = tuple[str, str, float]  # surface digest, texture, scale


@dataclass(eq=False)
class Member:
    """One body of the client."""

    uid: int
    color: tuple[float, float, float] = (1.0, 1.0, 1.0)
    X_WB: Matrix | None = None  # where it was put last


class Stage:
    """The bodies of one render client."""

    def __init__(self, client: int, files: MeshFiles, *, reach: float | None, reuse: bool) -> None:
        """Scaled by a power of two such that a scene fits ``reach`` units to each side, if given.

        Without ``reuse`` every scene starts with an empty client: slower, for an engine that draws
        bodies in an order that depends on those before.
        """
        self.client = client
        self._reuse = reuse
        self.scale = 1.0
        self.centre = np.zeros(3)
        self.ids: NDArray[np.uint16] = np.zeros(1, np.uint16)  # segmentation -> body id; -1 -> 0
        self._reach = reach
        self._files = files
        self._surfaces: WeakKeyDictionary[ObjectModel, Surface] = WeakKeyDictionary()
        self._shapes: dict[Key, int] = {}
        self._members: defaultdict[Key, list[Member]] = defaultdict(list)  # by occurrence
        self._cast: list[tuple[Member, Surface]] = []  # in the order of Scene.bodies
        self._loaded_bytes = 0
        self._added = 0
        self._snapshot: Snapshot | None = None
        self._triangles_W: NDArray[np.float64] = np.zeros((0, 3, 3))
        self._hollow: NDArray[np.bool_] = np.zeros(0, bool)

    @property
    def full(self) -> bool:
        """Whether the client holds so much that it should be closed and opened again."""
        return self._loaded_bytes > SHAPE_LIMIT_BYTES or self._added > ADDED_LIMIT

    def show(self, snapshot: Snapshot) -> None:
        """Make the client look like ``snapshot``; nothing to do for the one shown last."""
        if snapshot is self._snapshot:
            return
        shown, self._snapshot = self._snapshot, None  # an error halfway leaves nothing shown
        if shown is None or snapshot.scene is not shown.scene:
            self._enter(snapshot.scene)
        for (member, surface), X_WB in zip(self._cast, snapshot.X_WB, strict=True):
            if member.X_WB is None or not np.array_equal(member.X_WB, X_WB):
                self._place(member, surface, X_WB)
        hulls = [
            pose.apply(X_WB, surface.hull.reshape(-1, 3)).reshape(-1, 3, 3)
            for (_, surface), X_WB in zip(self._cast, snapshot.X_WB, strict=True)
        ]
        self._triangles_W = np.concatenate([*hulls, np.zeros((0, 3, 3))])
        self._hollow = np.repeat(
            np.array([surface.hollow for _, surface in self._cast], bool),
            np.array([len(hull) for hull in hulls], int),
        )
        self._snapshot = snapshot

    def triangles(self, X_CW: Matrix) -> NDArray[np.float64]:
        """Triangles (T, 3, 3) that hold all that the eye of C may see, in frame C, metres."""
        triangles = self._triangles_W @ X_CW[:3, :3].T + X_CW[:3, 3]
        a, b, c = triangles[:, 0], triangles[:, 1], triangles[:, 2]
        faces_away = (np.cross(b - a, c - a) * a).sum(axis=1) >= 0  # drawn by no renderer
        return np.asarray(triangles[self._hollow | ~faces_away])

    def encloses(self, p_WC: NDArray[np.float64]) -> bool:
        """Whether the point (3,) is inside the bounding box of a body that may be hollow."""
        assert self._snapshot is not None
        return any(
            bool(np.all(np.abs(X_WB[:3, :3].T @ (p_WC - X_WB[:3, 3]) - middle) <= half))
            for X_WB, middle, half in self._boxes()
        )

    def _boxes(self) -> list[tuple[Matrix, NDArray[np.float64], NDArray[np.float64]]]:
        assert self._snapshot is not None
        return [
            (X_WB, (surface.lower + surface.upper) / 2, (surface.upper - surface.lower) / 2)
            for (_, surface), X_WB in zip(self._cast, self._snapshot.X_WB, strict=True)
            if surface.hollow
        ]

    def _enter(self, scene: Scene) -> None:
        """Load what the scene needs, remove what it does not, and set colours."""
        surfaces = [self._surface(scene.objects[body.object]) for body in scene.bodies]
        self._frame(scene, surfaces)
        keys = [
            (surface.digest, str(_source(scene, body) or ""), self.scale)
            for body, surface in zip(scene.bodies, surfaces, strict=True)
        ]
        self._recruit(scene, keys, surfaces)
        occurrence = {key: iter(members) for key, members in self._members.items()}
        self._cast = [
            (next(occurrence[key]), surface) for key, surface in zip(keys, surfaces, strict=True)
        ]
        self.ids = np.zeros(max((m.uid for m, _ in self._cast), default=-1) + 2, np.uint16)
        for (member, _), body in zip(self._cast, scene.bodies, strict=True):
            self.ids[member.uid] = body.id
            if member.color != body.color:
                self._paint(member, body.color)

    def _surface(self, model: ObjectModel) -> Surface:
        if model not in self._surfaces:
            self._surfaces[model] = Surface.of(model.mesh)
        return self._surfaces[model]

    def _frame(self, scene: Scene, surfaces: list[Surface]) -> None:
        """Set centre and scale by everything but the floor."""
        boxes = [
            pose.apply(body.X_WB, surface.hull.reshape(-1, 3))
            for body, surface in zip(scene.bodies, surfaces, strict=True)
            if body.id > 0
        ]
        if not boxes:
            return
        points = np.concatenate(boxes)
        middle = (points.min(axis=0) + points.max(axis=0)) / 2
        centre = np.round(middle / CENTRE_STEP_M) * CENTRE_STEP_M
        radius = float(np.linalg.norm(points - centre, axis=1).max())
        scale = self.scale
        if self._reach is not None:
            scale = float(2.0 ** np.floor(np.log2(self._reach / radius)))
        if scale != self.scale or not np.array_equal(centre, self.centre):
            self.scale, self.centre = scale, centre
            for members in self._members.values():
                for member in members:
                    member.X_WB = None

    def _recruit(self, scene: Scene, keys: list[Key], surfaces: list[Surface]) -> None:
        """Have as many members of each key as the scene has bodies."""
        wanted = Counter(keys)
        for key, members in list(self._members.items()):
            kept = wanted[key] if self._reuse else 0
            for member in members[kept:]:
                self._remove(member)
            del members[kept:]
            if not members:
                del self._members[key]
        for key, body, surface in zip(keys, scene.bodies, surfaces, strict=True):
            if len(self._members[key]) < wanted[key]:
                if key not in self._shapes:
                    self._shapes[key] = self._load(key, surface, _source(scene, body))
                self._members[key].append(self._add(self._shapes[key]))
        if self._reuse and keys:
            self._put_in_order(self._shapes[keys[0]])

    def _put_in_order(self, shape: int) -> None:
        """Make the k-th member of a key the k-th that is drawn, so that ties do not depend on luck.

        After a removal the engine draws the bodies of a shape in the order of their ids
        (GLInstancingRenderer::rebuildGraphicsInstances), before it in the order of their making.
        """
        self._remove(self._add(shape))
        for members in self._members.values():
            members.sort(key=lambda member: member.uid)

    def _load(self, key: Key, surface: Surface, source: str | Path | None) -> int:
        shifted = Mesh(
            (surface.mesh.vertices - surface.offset) * self.scale,
            surface.mesh.normals,
            surface.mesh.uvs,
            surface.mesh.faces,
        )
        path = self._files.write(shifted, source, key=key)
        self._loaded_bytes += TRIANGLE_BYTES * len(shifted.faces)
        return int(
            pybullet.createVisualShape(
                pybullet.GEOM_MESH,
                fileName=str(path),
                rgbaColor=(1.0, 1.0, 1.0, 1.0),
                physicsClientId=self.client,
            )
        )

    def _add(self, shape: int) -> Member:
        self._added += 1
        # Without mass and collision shape the inertial frame is the base frame: no pose correction.
        return Member(pybullet.createMultiBody(0.0, -1, shape, physicsClientId=self.client))

    def _remove(self, member: Member) -> None:
        pybullet.removeBody(member.uid, physicsClientId=self.client)

    def _paint(self, member: Member, color: tuple[float, float, float]) -> None:
        pybullet.changeVisualShape(
            member.uid, -1, rgbaColor=(*color, 1.0), physicsClientId=self.client
        )
        member.color = color

    def _place(self, member: Member, surface: Surface, X_WB: Matrix) -> None:
        p_S = self.scale * (X_WB[:3, :3] @ surface.offset + X_WB[:3, 3] - self.centre)
        pybullet.resetBasePositionAndOrientation(
            member.uid, p_S, pose.quaternion(X_WB), physicsClientId=self.client
        )
        member.X_WB = np.array(X_WB)


def _source(scene: Scene, body: Body) -> str | Path | None:
    return texture_source(scene.objects[body.object], body.texture)
