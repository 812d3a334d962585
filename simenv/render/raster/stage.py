"""The bodies of the snapshot that is shown, on the device: draws by scene, poses by snapshot.

Stage coordinates are p_S = p_W - centre, so that a cell far from the world's origin loses no
precision in 32-bit floats.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from simenv.render.raster.cast import INSTANCE, Cast, group
from simenv.render.raster.library import Library
from simenv.render.raster.planes import Hulls
from simenv.render.surface import Surface
from simenv.scene import Scene, Snapshot
from simenv.spec.object import ObjectModel

__all__ = ["Stage"]

CENTRE_STEP_M = 0.25  # the centre is rounded to this
FEW_BODIES = 64  # room for so many at first


class Stage:
    """What one context draws."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self.library = Library(context)
        self.instances = context.buffer(reserve=FEW_BODIES * INSTANCE.itemsize)
        self.commands = context.buffer(reserve=FEW_BODIES * 20)
        self.centre = np.zeros(3)
        self.casters = np.zeros((0, 3))  # corners of what throws shadows, stage coordinates
        self.hulls = Hulls([])
        self.cast = Cast()
        self._surfaces: WeakKeyDictionary[ObjectModel, Surface] = WeakKeyDictionary()
        self._scene: Scene | None = None
        self._snapshot: Snapshot | None = None

    @property
    def buffers(self) -> tuple[Any, Any, Any]:
        """Vertices, indices, instances: others after one of them grew."""
        return *self.library.buffers, self.instances

    def show(self, snapshot: Snapshot) -> bool:
        """Have the bodies stand as in ``snapshot``; False if they do already."""
        if snapshot is self._snapshot:
            return False
        self._snapshot = None  # an error halfway leaves nothing shown
        if snapshot.scene is not self._scene:
            self._scene = None
            self._enter(snapshot.scene)
            self._scene = snapshot.scene
        X_WB = snapshot.X_WB
        where = X_WB[:, :3, 3].mean(axis=0) if len(X_WB) else np.zeros(3)
        self.centre = np.round(where / CENTRE_STEP_M) * CENTRE_STEP_M
        self.instances = self._written(self.instances, self.cast.posed(X_WB, self.centre))
        self.hulls.place(X_WB)
        solid = self.hulls.corners_W[self.cast.throws_shadow]
        self.casters = solid.reshape(-1, 3) - self.centre
        self._snapshot = snapshot
        return True

    def _enter(self, scene: Scene) -> None:
        surfaces = [self._surface(scene.objects[body.object]) for body in scene.bodies]
        groups = group(scene, surfaces)
        self.library.forget()
        for g in groups:
            self.library.texture(g.source)
        parts = [self.library.part(g.surface) for g in groups]
        self.cast = Cast(scene.bodies, groups, parts)
        self.commands = self._written(self.commands, self.cast.commands)
        self.hulls = Hulls(surfaces)

    def _surface(self, model: ObjectModel) -> Surface:
        if model not in self._surfaces:
            self._surfaces[model] = Surface.of(model.mesh)
        return self._surfaces[model]

    def _written(self, buffer: Any, values: Any) -> Any:
        """The buffer, or a larger one, that holds ``values``."""
        if values.nbytes > buffer.size:
            buffer.release()
            buffer = self._context.buffer(reserve=2 * values.nbytes)
        if values.nbytes:
            buffer.write(values)
        return buffer
