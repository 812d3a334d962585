"""How a snapshot is drawn in one pass, and fetched later."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import cv2
import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.errors import EngineError
from simenv.render import camera, light
from simenv.render.camera import Tile
from simenv.render.raster import shaders
from simenv.render.raster.cast import INSTANCE_FORMAT, Cast, group
from simenv.render.raster.context import Current, open_context
from simenv.render.raster.library import VERTEX_FORMAT, Library
from simenv.render.raster.planes import Hulls
from simenv.render.raster.shaders import Variant
from simenv.render.raster.shadow import fit
from simenv.render.raster.target import Targets
from simenv.render.renderer import Channel, Frame, Frames
from simenv.render.surface import Surface
from simenv.scene import Scene, Snapshot, View
from simenv.spec.object import ObjectModel

KEY, AMBIENT = 0.75, 0.4
GROUND = 0.6

class RasterRenderer:
    """OpenGL"""
    name = "raster"
    channels: frozenset[Channel] = frozenset({"normals", "coordinates"})
    shadows = True
    def __init__(self, device_index: int | None = None, supersample: int = 1):
        self._ctx = open_context(device_index)
        self._current = Current(self._ctx)
        info = self._ctx.info
        self.device = f"{info['GL_RENDERER']} ({info['GL_VERSION']})"
        with self._current:
            self._ctx.gc_mode = "context_gc"
            self._library = Library(self._ctx)
            self._targets = Targets(self._ctx)
            self._instances = self._ctx.buffer(reserve=1<<16)
            self._commands = self._ctx.buffer(reserve=1<<12)
            self._block = self._ctx.buffer(reserve=1<<12)
            self._programs = {}
            self._vaos = {}
            self._maps = {}
        self._surfaces = WeakKeyDictionary()
        self._scene = None
        self._snapshot = None
        self._pool = {}
    def __enter__(self): return self
    def __exit__(self, *_): self.close()
    def close(self): pass

    def render(self, snapshot, view, channels=()):
        return self.begin(snapshot, [view], channels)()[0]

    def begin(self, snapshot, views, channels=()):
        with self._current:
            self._show(snapshot)
            begun = [self._draw(snapshot, view, frozenset(channels)&self.channels) for view in views]
        def fetch():
            with self._current:
                return [self._fetch(*b) for b in begun]
        return fetch

    def _surface(self, model):
        if model not in self._surfaces: self._surfaces[model] = Surface.of(model.mesh)
        return self._surfaces[model]

    def _show(self, snapshot):
        if snapshot is self._snapshot: return
        scene = snapshot.scene
        if scene is not self._scene:
            surfaces = [self._surface(scene.objects[b.object]) for b in scene.bodies]
            groups = group(scene, surfaces)
            parts = [self._library.part(g.surface) for g in groups]
            self._cast = Cast(scene, groups, parts)
            self._commands.write(self._cast.commands)
            self._hulls = Hulls(surfaces)
            self._scene = scene
            self._casters = np.array([b.id>0 for b in scene.bodies])
            self._boxes = np.array([[s.lower, s.upper] for s in surfaces]).reshape(-1,2,3)
        X = snapshot.X_WB
        self._centre = np.round(X[:, :3, 3].mean(axis=0)*4)/4
        self._instances.write(self._cast.posed(X, self._centre))
        self._triangles = self._hulls.triangles(X)
        sel = np.array([[i,j,k] for i in (0,1) for j in (0,1) for k in (0,1)])
        b = self._boxes[self._casters]
        corners = np.stack([b[:, sel[:,a], a] for a in range(3)], -1)
        Xc = X[self._casters]
        self._points = (corners @ Xc[:, :3,:3].transpose(0,2,1) + Xc[:,None,:3,3]).reshape(-1,3) - self._centre
        self._snapshot = snapshot
        self._shadowed = None

    def _program(self, variant):
        if variant not in self._programs:
            v, f = shaders.sources(variant)
            p = self._ctx.program(vertex_shader=v, fragment_shader=f)
            if "image" in p: p["image"].value = 0
            if "shadow_map" in p: p["shadow_map"].value = 1
            self._programs[variant] = p
        return self._programs[variant]

    def _vao(self, key, program):
        vb, ib = self._library.buffers
        key = (key, vb, ib)
        if key not in self._vaos:
            content = [(vb, VERTEX_FORMAT, "in_position", "in_normal", "in_uv"),
                (self._instances, INSTANCE_FORMAT, "in_x","in_y","in_z","in_paint","in_tag")]
            self._vaos[key] = self._ctx.vertex_array(program, content, ib, skip_errors=True)
        return self._vaos[key]

    def _shadow(self, snapshot, size):
        ctx = self._ctx
        if size not in self._maps:
            t = ctx.depth_texture((size,size)); t.compare_func="<="; t.filter=(ctx.LINEAR, ctx.LINEAR)
            t.repeat_x=t.repeat_y=False
            self._maps[size] = (t, ctx.framebuffer([], t))
        t, fbo = self._maps[size]
        if self._shadowed is None:
            f = fit(self._points, light.direction(snapshot.scene.look.light))
            if "depth" not in self._programs:
                v, fr = shaders.depth_sources()
                self._programs["depth"] = ctx.program(vertex_shader=v, fragment_shader=fr)
            p = self._programs["depth"]
            p["light_from_stage"].write(f.clip.T.astype("f4").tobytes())
            vao = self._vao("depth", p)
            fbo.use(); fbo.clear(depth=1.0)
            ctx.enable_only(ctx.DEPTH_TEST|ctx.CULL_FACE)
            ctx.front_face="ccw"
            ctx.polygon_offset=(2.0, 4.0)
            vao.render_indirect(self._commands, count=self._cast.casters)
            ctx.polygon_offset=(0.0,0.0)
            self._shadowed = f
        t.use(1)
        return self._shadowed

    def _draw(self, snapshot, view, channels):
        look = snapshot.scene.look
        ctx = self._ctx
        planes = self._hulls.near_far(view, snapshot.X_WB, self._triangles)
        variant = Variant(normals="normals" in channels, coordinates="coordinates" in channels, shadows=int(self.shadows))
        program = self._program(variant)
        size = self.map_size(view)
        f = self._shadow(snapshot, size) if variant.shadows else None
        target = self._targets.get((view.width, view.height), variant.outputs)
        tile = Tile(0,0,view.width,view.height)
        X_CS = pose.inverse(view.X_WC) @ pose.pose(None, self._centre)
        P = np.array(camera.projection(view.K, tile, planes)).reshape(4,4).T
        P[1] *= -1
        flip = np.diag([1.,-1,-1,1])
        clip = P @ flip @ X_CS
        block = np.zeros((12+4+1+5, 4), np.float32)
        block[0:4] = clip.T
        block[4:8] = X_CS.T
        d = light.direction(look.light)
        x = np.cross([0,0,1.], d); x /= np.linalg.norm(x)
        R = np.array([x, np.cross(d, x), d])
        X_SC = pose.inverse(X_CS)
        L = np.eye(4); L[:3,:3]=R; L[:3,3] = -R @ X_SC[:3,3]
        block[8:12] = L.T
        block[12,:3] = light.rgb(look.ambient)*AMBIENT
        block[13,:3] = light.rgb(look.light)*KEY; block[13,3]=look.light.shadow
        if f is not None:
            q = f.lookup @ pose.inverse(L)
            block[14,:3] = np.diag(q[:,:3]); block[15,:3] = q[:,3]
            block[16,2] = 1.5*max(f.size_m)/size
        block[16,:2] = R[1:,2]
        self._block.write(block)
        self._block.bind_to_uniform_block(0)
        fbo = target.framebuffer
        fbo.use()
        fbo.clear(*(round(255*c)/255 for c in look.backdrop.color), depth=1.0) if 0 else self._clear(fbo, look)
        ctx.enable_only(ctx.DEPTH_TEST|ctx.CULL_FACE)
        ctx.front_face="cw"
        vao = self._vao(variant, program)
        for b in self._cast.batches:
            self._library.texture(b.source).use(0)
            vao.render_indirect(self._commands, count=b.count, first=b.first)
        pool = self._pool.setdefault(target.bytes, [])
        pbo = pool.pop() if pool else ctx.buffer(reserve=target.bytes)
        target.read(pbo)
        return target, pbo, planes

    def map_size(self, view):
        n = view.width*view.height
        return 1024 if n > 150000 else 512 if n> 30000 else 256

    def _clear(self, fbo, look):
        fbo.clear(*look.backdrop.color, 1.0, depth=1.0)

    def _fetch(self, target, pbo, planes):
        found = target.fetch(pbo)
        self._pool[target.bytes].append(pbo)
        return Frame(cv2.cvtColor(found["rgba"], cv2.COLOR_RGBA2RGB), found["depth"], found["instance"], planes,
            found.get("normals"), found.get("coordinates"))
