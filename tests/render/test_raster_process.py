"""How the raster renderer lives in a process: beside PyBullet, after errors, over many scenes."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simenv.errors import EngineError, InputError, RendererUnavailable
from simenv.mesh import quad
from simenv.render.raster import RasterRenderer, library, open_raster, probe, probe_raster, shadow
from simenv.render.renderer import Frame, Renderer
from simenv.render.shadowmap import texture_widths
from simenv.scene import Snapshot
from simenv.spec.look import Light
from tests.render.build import Thing, at, ball, block, can, digest, ground, looking, of_file
from tests.render.build import snapshot as scene_of

pytestmark = pytest.mark.egl
VIEW = looking((0.3, -0.5, 0.6), (0, 0, 0.05), size=(160, 120))


def crowd(seed: int) -> Snapshot:
    """A few bodies whose sizes, textures and places no other seed has."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(0.03, 0.1, 2)
    things = [
        Thing(block(x, y, 0.05), at(0, 0, 0.05), ["wood", "steel", None][seed % 3]),
        Thing(can(x / 2, y), at(0.15, 0.1, 0.06), None, (0.8, 0.3, 0.1)),
        Thing(ball(x / 2), at(-0.15, -0.1, 0.06), "checker"),
        ground(),
    ]
    return scene_of(*things, light=(float(rng.uniform(20, 85)), float(rng.uniform(0, 360))))


def test_it_draws_the_same_beside_the_egl_renderer_and_so_does_that(egl: Renderer) -> None:
    """PyBullet's plugin never makes its own OpenGL context current again: nobody may take it."""
    theirs = [egl.render(crowd(seed), VIEW) for seed in range(3)]
    with RasterRenderer() as raster:
        first = raster.render(crowd(0), VIEW)
        for seed in (1, 0, 2, 0):
            assert digest(egl.render(crowd(seed), VIEW)) == digest(theirs[seed])
            begun = raster.begin(crowd(0), [VIEW])
            assert digest(egl.render(crowd(seed), VIEW)) == digest(theirs[seed])
            assert digest(begun()[0]) == digest(first)
    assert digest(egl.render(crowd(1), VIEW)) == digest(theirs[1])


def run(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A process of its own."""
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": os.getcwd(), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("threads", ["0", "2"])
def test_another_process_draws_the_same(threads: str) -> None:
    with RasterRenderer() as raster:
        here = [digest(raster.render(crowd(seed), VIEW)) for seed in (1, 2)]
    done = run(
        "from tests.render.test_raster_process import *\n"
        "with RasterRenderer() as raster:\n"
        "    for seed in (1, 2): print(digest(raster.render(crowd(seed), VIEW)))\n",
        LP_NUM_THREADS=threads,
    )
    assert done.stdout.split() == here, done.stderr


def test_several_are_open_at_once() -> None:
    with RasterRenderer() as a, RasterRenderer() as b:
        begun = a.begin(crowd(1), [VIEW]), b.begin(crowd(2), [VIEW])
        assert digest(begun[1]()[0]) == digest(a.render(crowd(2), VIEW))
        assert digest(begun[0]()[0]) == digest(b.render(crowd(1), VIEW))


def test_it_says_what_it_is() -> None:
    with open_raster() as raster:
        assert raster.name == "raster"
        assert raster.channels == {"normals", "coordinates"}
        assert "OpenGL" in raster.device or "(" in raster.device


def test_after_close_it_says_so() -> None:
    raster = RasterRenderer()
    begun = raster.begin(crowd(1), [VIEW])
    raster.close()
    raster.close()
    for use in (lambda: raster.render(crowd(1), VIEW), begun):
        with pytest.raises(EngineError, match="raster renderer is closed; open another one"):
            use()


def test_a_forked_child_is_told_to_spawn() -> None:
    done = run(
        "import os\n"
        "from tests.render.test_raster_process import *\n"
        "raster = RasterRenderer()\n"
        "if os.fork() == 0:\n"
        "    try: raster.render(crowd(1), VIEW)\n"
        "    except EngineError as error: print(error, flush=True)\n"
        "    raster.close()\n"
        "    os._exit(0)\n"
        "os.wait()\n"
        "print(raster.render(crowd(1), VIEW).rgb.std() > 5)\n"
    )
    assert "opened before a fork; start workers with spawn" in done.stdout
    assert done.stdout.split()[-1] == "True", done.stderr


def test_without_moderngl_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "moderngl", None)
    with pytest.raises(RendererUnavailable, match=r"moderngl is not installed\); try `pip install"):
        RasterRenderer()


def test_a_device_that_is_not_there_is_named() -> None:
    with pytest.raises(RendererUnavailable, match=r"requested device index 99, but found \d+"):
        RasterRenderer(99)
    with pytest.raises(InputError, match="device -1: no such GPU; they count from 0"):
        RasterRenderer(-1)
    with pytest.raises(InputError, match="supersample 0: samples along a pixel's side; 1 or more"):
        RasterRenderer(supersample=0)


def test_the_probe_finds_it_and_tells_child_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(probe.PROBE_VARIABLE, raising=False)
    assert probe_raster() == ""
    monkeypatch.setattr(probe, "_ask", lambda timeout_s: "asked again")
    assert probe_raster() == ""
    monkeypatch.setenv("__EGL_VENDOR_LIBRARY_FILENAMES", "/somewhere/else.json")
    assert probe_raster() == "asked again"
    with pytest.raises(RendererUnavailable, match=r"\(asked again\); try `pip install simenv\[ras"):
        open_raster()


def test_the_probe_says_what_is_wrong() -> None:
    done = run(
        "from simenv.render.raster import probe_raster\nprint(probe_raster())",
        __EGL_VENDOR_LIBRARY_FILENAMES="/nowhere/at/all.json",
    )
    assert "device" in done.stdout, done.stderr


def test_an_error_leaves_the_renderer_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "torn.png").write_bytes(b"not a picture")
    tile = of_file(tmp_path, quad(0.1, 0.1), {"torn": "torn.png"})
    with RasterRenderer() as raster:
        before = raster.render(crowd(1), VIEW)
        with pytest.raises(InputError, match="no texture 'velvet'; there is rubber, green_pvc"):
            raster.render(scene_of(Thing(ball(0.04), at(0, 0, 0), "velvet")), VIEW)
        with pytest.raises(InputError, match=r"torn\.png: not a readable image"):
            raster.render(scene_of(Thing(tile, at(0, 0, 0), "torn")), VIEW)
        assert digest(raster.render(crowd(1), VIEW)) == digest(before)


def test_a_look_may_change_while_bodies_stay() -> None:
    shown = crowd(1)
    dark = shown.scene.look.model_copy(update={"light": Light(intensity=0.1)})
    later = replace(shown, scene=replace(shown.scene, look=dark))
    with RasterRenderer() as raster:
        before, after = raster.render(shown, VIEW), raster.render(later, VIEW)
        assert after.rgb.mean() < 0.85 * before.rgb.mean()
        assert np.array_equal(before.depth_m, after.depth_m)
        assert digest(raster.render(shown, VIEW)) == digest(before)


def held(raster: RasterRenderer) -> int:
    """Buffers and textures of the context."""
    with raster._current:
        probe_buffer = raster._context.buffer(reserve=4)  # Mesa gives the lowest free name
        name = int(probe_buffer.glo)
        probe_buffer.release()
        return name + len(texture_widths(2000))


def test_many_scenes_and_sizes_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "LIMIT_BYTES", 300_000)
    frames: dict[int, str] = {}
    with RasterRenderer() as raster:
        counts = []
        for _ in range(3):
            for seed in range(15):
                size = (64 + 8 * seed, 60)
                raster.begin(crowd(seed), [looking((0.3, -0.5, 0.6), (0, 0, 0), size=size)])
                frame: Frame = raster.render(crowd(seed), VIEW)
                assert frames.setdefault(seed, digest(frame)) == digest(frame)
            counts.append(held(raster))
        assert counts[2] <= counts[1] + 2
        assert counts[2] < 120


def test_shadow_maps_are_shared_by_the_cameras_of_a_snapshot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[int] = []
    original = shadow.Maps.get

    def get(self: shadow.Maps, number: int, fitted: shadow.Fit) -> tuple[object, object, bool]:
        found = original(self, number, fitted)
        made.append(found[2])
        return found

    monkeypatch.setattr(shadow.Maps, "get", get)
    around = [looking((x, -0.7, 0.7), (0, 0, 0), size=(160, 120)) for x in (-0.2, 0.0, 0.2)]
    with RasterRenderer() as raster:
        raster.begin(crowd(1), around)()
    assert made == [True, False, False]
