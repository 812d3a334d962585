"""Opening renderers: what works here, what does not, and what is said about it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from simenv.errors import EngineError, InputError
from simenv.quiet import quiet
from simenv.render import shadowmap
from simenv.render.bullet_egl import SHADOW_MAP_SIZE
from simenv.render.choose import open_renderer, resolve
from simenv.render.probe import PROBE_VARIABLE, probe_egl
from simenv.render.renderer import Renderer
from tests.render.build import Thing, at, ball, looking, snapshot

SCENE = snapshot(Thing(ball(0.1), at(0, 0, 0)))
VIEW = looking((0, 0, 1), (0, 0, 0), size=(64, 48))


def run(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A program in a new process that has no answer of a probe to inherit."""
    inherited = {key: value for key, value in os.environ.items() if key != PROBE_VARIABLE}
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**inherited, "PYTHONPATH": os.getcwd(), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def _fresh_answer() -> Iterator[None]:
    """Whatever a test makes of the kept answer, the next one finds the old."""
    before = os.environ.pop(PROBE_VARIABLE, None)
    yield
    os.environ.pop(PROBE_VARIABLE, None)
    if before is not None:
        os.environ[PROBE_VARIABLE] = before


@pytest.mark.egl
@pytest.mark.usefixtures("_fresh_answer")
def test_the_probe_says_what_the_driver_is_and_asks_once() -> None:
    answer = probe_egl()
    assert answer.works, answer.reason
    assert answer.vendor
    assert answer.version
    assert answer.renderer in answer.device
    assert answer.numpy
    kept = json.loads(os.environ[PROBE_VARIABLE])
    kept["probe"]["renderer"] = "inherited"
    os.environ[PROBE_VARIABLE] = json.dumps(kept)
    assert probe_egl().renderer == "inherited"


@pytest.mark.egl
@pytest.mark.usefixtures("_fresh_answer")
def test_an_answer_from_another_environment_is_not_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stale = {"environment": "of another machine", "probe": {"works": False, "reason": "stale"}}
    os.environ[PROBE_VARIABLE] = json.dumps(stale)
    assert probe_egl().works
    monkeypatch.setenv("EGL_VISIBLE_DEVICES", "99")
    assert not probe_egl().works


@pytest.mark.usefixtures("_fresh_answer")
def test_a_probe_that_hangs_is_given_up() -> None:
    answer = probe_egl(timeout_s=0.01)
    assert not answer.works
    assert answer.reason == "no answer within 0.01 s"


BROKEN = {
    "a device that is not there": {"EGL_VISIBLE_DEVICES": "99"},
    "no driver": {"__EGL_VENDOR_LIBRARY_DIRS": "/nonexistent"},
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_where_egl_is_broken_auto_draws_with_tiny_and_says_so(broken: dict[str, str]) -> None:
    program = (
        "import warnings\n"
        "from simenv.errors import RendererUnavailable\n"
        "from tests.render.test_choose import *\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n"
        "    with open_renderer() as renderer:\n"
        "        print(renderer.name, renderer.render(SCENE, VIEW).instance.max())\n"
        "print(*(warning.message for warning in caught))\n"
        "try: open_renderer('egl')\n"
        "except RendererUnavailable as error: print(error)\n"
    )
    done = run(program, **broken)
    assert done.returncode == 0, done.stderr
    drawn, warning, error = done.stdout.strip().splitlines()[-3:]
    assert drawn == "tiny 1"
    assert warning.startswith("EGL does not work here (exit status 1: ")
    for text in (warning, error):
        assert "libegl1 libgl1-mesa-dri" in text
        assert "iny" in text


def test_an_unknown_renderer_is_an_error_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="no renderer 'vulkan'; there is auto, egl, tiny"):
        resolve("vulkan")


@pytest.mark.egl
def test_auto_is_egl_where_it_works() -> None:
    assert resolve("auto") == "egl"
    assert resolve("tiny") == "tiny"


def test_a_second_egl_renderer_is_refused_until_the_first_is_closed(egl: Renderer) -> None:
    expected = egl.render(SCENE, VIEW)
    with pytest.raises(EngineError, match=r"an EGL renderer is open .* close\(\) it first"):
        open_renderer("egl")
    assert (egl.render(SCENE, VIEW).rgb == expected.rgb).all()


@pytest.mark.usefixtures("egl_closed")
def test_egl_opens_again_after_it_was_closed() -> None:
    pictures = []
    for _ in range(3):
        with open_renderer("egl") as renderer:
            pictures.append(renderer.render(SCENE, VIEW).rgb.tobytes())
    assert len(set(pictures)) == 1


def test_a_closed_renderer_says_so() -> None:
    renderer = open_renderer("tiny")
    renderer.close()
    renderer.close()
    with pytest.raises(EngineError, match="the tiny renderer is closed; open another one"):
        renderer.render(SCENE, VIEW)


@pytest.mark.egl
def test_a_fork_is_refused_instead_of_crashing() -> None:
    program = (
        "import os\n"
        "from tests.render.test_choose import *\n"
        "renderer = open_renderer('egl')\n"
        "if os.fork() == 0:\n"
        "    try: renderer.render(SCENE, VIEW)\n"
        "    except EngineError as error: print(error, flush=True)\n"
        "    os._exit(0)\n"
        "os.wait()\n"
    )
    done = run(program)
    assert "the egl renderer was opened before a fork; start workers with spawn" in done.stdout


@pytest.mark.egl
@pytest.mark.parametrize("end", ["renderer.close()", "pass"])
def test_egl_prints_nothing(end: str) -> None:
    program = (
        "from tests.render.test_choose import *\n"
        "import sys; print('<', flush=True)\n"
        "renderer = open_renderer('egl'); renderer.render(SCENE, VIEW)\n"
        f"print('>', flush=True); {end}\n"
    )
    done = run(program)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("<\n")[1] == ">\n"
    assert "GL" not in done.stderr


def test_quiet_keeps_what_c_code_prints(capfd: pytest.CaptureFixture[str]) -> None:
    print("before")
    with quiet() as said:
        os.write(1, b"from C\n")
        os.write(2, b"an error\n")
    print("after")
    assert said.text == "from C\nan error\n"
    assert capfd.readouterr().out == "before\nafter\n"


def test_the_shadow_map_is_small(egl: Renderer) -> None:
    """Clearing the plugin's own 4096 x 4096 would cost more than the rest of a small picture."""
    egl.render(SCENE, VIEW)
    widths = shadowmap.texture_widths()
    assert SHADOW_MAP_SIZE in widths
    assert 4096 not in widths
