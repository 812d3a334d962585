"""The programs of one context, compiled when first used, and what feeds them vertices."""

from __future__ import annotations

from typing import Any, Literal

from simenv.render.raster import shaders
from simenv.render.raster.cast import INSTANCE_FORMAT
from simenv.render.raster.library import VERTEX_FORMAT
from simenv.render.raster.shaders import Variant

__all__ = ["FIRST_MAP", "Programs"]

VERTEX_NAMES = ("in_position", "in_normal", "in_uv")
INSTANCE_NAMES = ("in_x", "in_y", "in_z", "in_paint", "in_tag")
FIRST_MAP = 1  # texture unit of the first lamp's shadow map; 0 is the image of the surface

Kind = Variant | Literal["depth"]  # "depth" makes shadow maps


class Programs:
    """Compiled programs by kind."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self._programs: dict[Kind, Any] = {}
        self._arrays: dict[Kind, tuple[tuple[Any, ...], Any]] = {}  # with the buffers they read
        self._empty: dict[int, Any] = {}

    def get(self, kind: Kind) -> Any:
        """The program of ``kind``."""
        if kind not in self._programs:
            if isinstance(kind, Variant):
                vertex, fragment = shaders.sources(kind)
            else:
                vertex, fragment = shaders.depth_sources()
            program = self._context.program(vertex_shader=vertex, fragment_shader=fragment)
            for name in program:
                if name.startswith("map_"):
                    program[name].value = FIRST_MAP + int(name.removeprefix("map_"))
            self._programs[kind] = program
        return self._programs[kind]

    def array(self, kind: Kind, buffers: tuple[Any, Any, Any]) -> Any:
        """The vertex array that feeds vertices, indices and instances to ``kind``."""
        known = self._arrays.get(kind)
        if known is None or known[0] != buffers:
            if known is not None:
                known[1].release()
            vertices, indices, instances = buffers
            content = [
                (vertices, VERTEX_FORMAT, *VERTEX_NAMES),
                (instances, INSTANCE_FORMAT, *INSTANCE_NAMES),
            ]
            made = self._context.vertex_array(self.get(kind), content, indices, skip_errors=True)
            known = self._arrays[kind] = (buffers, made)
        return known[1]

    def resolve(self, supersample: int) -> Any:
        """The vertex array whose three vertices average a finer picture."""
        if supersample not in self._empty:
            vertex, fragment = shaders.resolve_sources(supersample)
            program = self._context.program(vertex_shader=vertex, fragment_shader=fragment)
            self._empty[supersample] = self._context.vertex_array(program, [])
        return self._empty[supersample]
