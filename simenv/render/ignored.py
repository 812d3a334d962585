"""What a task asks for and a renderer does not draw."""

from collections.abc import Iterator, Mapping

from simenv.spec.task import TaskSpec

__all__ = ["ignored"]

IGNORES = {  # last words of paths that change no picture, by renderer
    "egl": ("roughness", "metallic", "supersample"),
    "tiny": ("roughness", "metallic", "softness_deg", "shadow", "supersample"),
}


def ignored(spec: TaskSpec, renderer: str) -> str | None:
    """One line on what ``renderer`` will not show of the task; None if it shows everything.

    What an object's file says of its own surface does not count: no one asked for it here.
    """
    words = IGNORES.get(renderer, ())
    paths = list(dict.fromkeys(p for p in _asked(spec) if p.rsplit(".", 1)[-1] in words))
    if not paths:
        return None
    return (
        f"the {renderer} renderer does not show {', '.join(paths)}: pictures stay as if the task "
        "did not say them; use --renderer raster"
    )


def _asked(spec: TaskSpec) -> Iterator[str]:
    """Paths of what varies, and of what of surfaces and lamps is not the default."""
    yield from spec.domain
    yield from (change.axis for change in spec.timeline)
    for name, actors in spec.actors.items():
        yield from _given(f"actors.{name}", actors, {"roughness": None, "metallic": None})
    yield from _given("look", spec.look, {"supersample": 1})
    nominal = {"softness_deg": 0.0, "shadow": 1.0}
    yield from _given("look.light", spec.look.light, nominal)
    for name, lamp in spec.look.lights.items():
        yield from _given(f"look.lights.{name}", lamp, nominal)


def _given(path: str, model: object, nominal: Mapping[str, float | None]) -> Iterator[str]:
    yield from (f"{path}.{key}" for key, value in nominal.items() if getattr(model, key) != value)
