"""Solids and collision shapes of one Bullet client: made once, kept as long as they are good."""

from __future__ import annotations

from pathlib import Path
from weakref import WeakKeyDictionary

import numpy as np

from simenv.engine import pybullet
from simenv.physics.shape import MARGIN_M, Solid, create_hulls, create_primitives
from simenv.physics.shape import movable_solid as movable
from simenv.physics.shape import solids as pieces_of
from simenv.scene import Scene
from simenv.spec.object import ObjectModel
from simenv.spec.robot import Piece
from simenv.spec.task import ROBOT

__all__ = ["Workshop"]

KEPT_SHAPES = 1000


class Workshop:
    """Solids outlive scenes; Bullet's shapes end with `clear`."""

    def __init__(self, folder: Path, *, client: int) -> None:
        """``folder``: for the files of compound hulls."""
        self._folder, self._client = folder, client
        self._solids: WeakKeyDictionary[ObjectModel, tuple[Solid, ...]] = WeakKeyDictionary()
        self._pieces: WeakKeyDictionary[Piece, Solid] = WeakKeyDictionary()
        self._paths: WeakKeyDictionary[Solid, Path] = WeakKeyDictionary()
        self._shapes: dict[Solid, int] = {}
        self._files = 0

    @property
    def full(self) -> bool:
        """Whether so many shapes are kept that the client should begin anew."""
        return len(self._shapes) > KEPT_SHAPES

    def clear(self) -> None:
        """Bullet was reset: its shapes are gone."""
        self._shapes.clear()

    def solids(self, model: ObjectModel, *, moves: bool) -> tuple[Solid, ...]:
        """One solid for a part, one for each piece of furniture."""
        if model not in self._solids:
            self._solids[model] = (movable(model),) if moves else pieces_of(model)
        return self._solids[model]

    def prepare(self, scene: Scene) -> None:
        """Make all shapes of a scene, before there is a body of it."""
        for body in scene.bodies:
            model = scene.objects[body.object]
            if body.role != ROBOT and body.id:
                moves = not body.fixed and model.spec.mass_kg > 0
                for solid in self.solids(model, moves=moves):
                    self.shape(solid)

    def shape(self, solid: Solid) -> int:
        """The shape of a part or of furniture."""
        if solid not in self._shapes:
            if solid.hulls:
                shape = create_hulls(solid, self._path(solid), client=self._client)
                self._thin(shape)
            else:
                shape = create_primitives(solid, client=self._client)
            self._shapes[solid] = shape
        return self._shapes[solid]

    def link_shape(self, piece: Piece, *, thin: bool) -> int:
        """The shape of a robot's piece, in its own frame; -1 where nothing touches.

        Unless it is ``thin``, Bullet's own skin of 1 mm stays: making one thin takes 0.1 ms.
        """
        if not piece.hulls:
            return -1
        if piece not in self._pieces:
            self._pieces[piece] = Solid(np.eye(4), np.zeros(3), (), piece.hulls)
        solid = self._pieces[piece]
        if solid not in self._shapes:
            self._shapes[solid] = create_hulls(solid, self._path(solid), client=self._client)
            if thin:
                self._thin(self._shapes[solid])
        return self._shapes[solid]

    def _path(self, solid: Solid) -> Path:
        """Where the hulls of ``solid`` are written if Bullet needs them in a file."""
        if solid not in self._paths:
            self._files += 1
            self._paths[solid] = self._folder / f"{self._files}.obj"
        return self._paths[solid]

    def _thin(self, shape: int) -> None:
        """Give all hulls of ``shape`` the margin: only a multi-body passes it on to a compound."""
        body = pybullet.createMultiBody(0.0, shape, physicsClientId=self._client)
        pybullet.changeDynamics(body, -1, collisionMargin=MARGIN_M, physicsClientId=self._client)
        pybullet.removeBody(body, physicsClientId=self._client)
