"""What a domain table that does not fit its scene is told, and that the advice helps."""

from pathlib import Path

import pytest

from simenv.errors import InputError
from simenv.spec.load import load_task

FULL = (Path(__file__).parent.parent / "data" / "full.yaml").read_text()

# fmt: off
WRONG = [  # what is replaced in full.yaml, by what, and what is said
    ("objects: [block, disc]", "objects: [block, dics]",
     "7:22: actors.parts.objects.1: no object dics; did you mean disc?"),
    ("texture: striped", "texture: stryped",
     "10:14: actors.parts.texture: no object of the group has texture stryped; did you "
     "mean striped?"),
    ("actors.parts.count:", "actors.parts.cuont:",
     "42:3: domain.actors.parts.cuont: no such path; did you mean actors.parts.count?"),
    ("scene.belts.main.speed_m_s:", "scene.belt.speed_m_s:",
     "46:3: domain.scene.belt.speed_m_s: no such path; did you mean "
     "scene.belts.main.speed_m_s?"),
    ("scene.belts.main.speed_m_s:", "scene.belts.other.speed_m_s:",
     "46:3: domain.scene.belts.other.speed_m_s: no such path; did you mean "
     "scene.belts.main.speed_m_s?"),
    ("scene.belts.main.speed_m_s:", "belts.main.speed_m_s:",
     "46:3: domain.belts.main.speed_m_s: no such path; did you mean "
     "scene.belts.main.speed_m_s?"),
    ("look.backdrop.color:", "cameras.moving.X_WC.eye:",
     "51:3: domain.cameras.moving.X_WC.eye: no such path, cameras.moving.X_WC is not "
     "set; write its nominal value first"),
    ("look.backdrop.color:", "domain.x:",
     "51:3: domain.domain.x: no such path; there is actors, scene, cameras, capture, "
     "look, physics"),
    ("look.backdrop.color:", "look:",
     "51:33: domain.look.uniform: look is a mapping; vary a key below it, or use "
     "choice\n"
     "52:3: domain.look.light.elevation_deg: lies inside look, which varies, too; remove "
     "one of the two axes"),
    ("look.backdrop.color:", "cameras.overhead.resolution:",
     "51:3: domain.cameras.overhead.resolution: is one for the whole dataset and cannot "
     "vary; declare a second camera instead"),
    ("integers: [1, 6]", "integers: [6, 1]",
     "42:50: domain.actors.parts.count.integers: low 6 is above high 1; swap them"),
    ("integers: [1, 6]", "integers: [-1, 6]",
     "42:51: domain.actors.parts.count.integers.0: -1 does not fit: actors.parts.count: "
     "must be a whole number from 0 to 500, got -1; write for example 1"),
    ("integers: [1, 6]", "integers: [1, 600]",
     "42:54: domain.actors.parts.count.integers.1: 600 does not fit: actors.parts.count: "
     "must be a whole number from 0 to 500, got 600; write for example 500"),
    ("integers: [1, 6]", "uniform: [1, 6]",
     "42:49: domain.actors.parts.count.uniform: actors.parts.count is a whole number; "
     "use integers instead of uniform"),
    ("integers: [1, 6]", "integers: [1.5, 6]",
     "42:51: domain.actors.parts.count.integers.0: must be a whole number, got 1.5; "
     "write for example 2"),
    ("integers: [1, 6]", "integers: [1]",
     "42:50: domain.actors.parts.count.integers: must be a list of 2 whole numbers, got "
     "[1]; write for example [1, 1]"),
    ("integers: [1, 6], ", "",
     "42:3: domain.actors.parts.count: must have exactly one of uniform, log_uniform, "
     "integers, choice, so3, on_sphere, got none; keep one"),
    ("integers: [1, 6]", "integers: [1, 6], choice: [1]",
     "42:3: domain.actors.parts.count: must have exactly one of uniform, log_uniform, "
     "integers, choice, so3, on_sphere, got integers and choice; keep one"),
    ("crowd: {integers: [7, 9]}", "crowd: {}",
     "42:65: domain.actors.parts.count.edge.crowd: must have exactly one of uniform, "
     "log_uniform, integers, choice, so3, on_sphere, got none; keep one"),
    ("crowd: {integers: [7, 9]}", "crowd: {integers: [7, 900]}",
     "42:87: domain.actors.parts.count.edge.crowd.integers.1: 900 does not fit: "
     "actors.parts.count: must be a whole number from 0 to 500, got 900; write for "
     "example 500"),
    ("uniform: [-0.1, 0.3]", "uniform: [0.3, 0.3]",
     "46:57: domain.scene.belts.main.speed_m_s.uniform: low and high are both 0.3; widen "
     "the range or remove the axis"),
    ("uniform: [-0.1, 0.3]", "uniform: [-0.1, 30]",
     "46:64: domain.scene.belts.main.speed_m_s.uniform.1: 30.0 does not fit: "
     "scene.belts.main.speed_m_s: must be a number from -5 to 5, got 30.0; write for "
     "example 5"),
    ("uniform: [-0.1, 0.3]", "uniform: [a, 3]",
     "46:58: domain.scene.belts.main.speed_m_s.uniform.0: must be a number or a list of "
     "numbers, got a; write for example 1.0"),
    ("uniform: [-0.1, 0.3]", "uniform: [[1], 3]",
     "46:57: domain.scene.belts.main.speed_m_s.uniform: low and high differ in length; "
     "give both as many numbers"),
    ("uniform: [-0.1, 0.3]", "so3: uniform",
     "46:53: domain.scene.belts.main.speed_m_s.so3: so3 needs an orientation, which "
     "scene.belts.main.speed_m_s is not; use uniform or choice"),
    ("uniform: [-0.1, 0.3]", "choice: all",
     "46:56: domain.scene.belts.main.speed_m_s.choice: choice: all works only at "
     "actors.<group>.objects and .texture; list the values"),
    ("uniform: [-0.1, 0.3]", "choice: [0.1, 9]",
     "46:62: domain.scene.belts.main.speed_m_s.choice.1: 9 does not fit: "
     "scene.belts.main.speed_m_s: must be a number from -5 to 5, got 9; write for "
     "example 5"),
    ("uniform: [-0.1, 0.3]", "choice: []",
     "46:56: domain.scene.belts.main.speed_m_s.choice: is empty; list at least one value"),
    ("uniform: [-0.1, 0.3]", "each: actor, uniform: [0, 1]",
     "46:54: domain.scene.belts.main.speed_m_s.each: each: actor works only under "
     "actors.<group>: objects, texture, color, roughness, metallic, spawn.orientation, "
     "spawn.position, spawn.height_m; remove each"),
    ("log_uniform: [1e-5", "log_uniform: [0",
     "50:62: domain.physics.residual_threshold.log_uniform.0: must be a number above 0, "
     "got 0; write for example 1.0"),
    ("choice: {striped: 2, plain: 1}", "choice: {striped: 0, plain: 0}",
     "45:48: domain.actors.parts.texture.choice: all weights are zero; raise one"),
    ("choice: {striped: 2, plain: 1}", "choice: {striped: 2, plane: 1}",
     "45:68: domain.actors.parts.texture.choice.plane: no object of the group has "
     "texture plane; did you mean plain?"),
    ("kind: semantic, uniform", "kind: visual, uniform",
     "46:38: domain.scene.belts.main.speed_m_s.kind: changes labels, so it cannot be "
     "visual; declare it semantic"),
    ("kind: semantic, uniform", "kind: sematic, uniform",
     "46:38: domain.scene.belts.main.speed_m_s.kind: must be semantic or visual, got "
     "sematic; write for example semantic"),
    ("{kind: semantic, uniform", "{uniform",
     "46:3: domain.scene.belts.main.speed_m_s.kind: is missing; add it, for example "
     "`kind: semantic`"),
    ("dim: 5}",
     "dim: 5}\n  scene.belts.main.yaw_deg: {kind: semantic, dim: 5, uniform: [0, 1]}",
     "47:51: domain.scene.belts.main.yaw_deg.dim: Sobol dimension 5 belongs to "
     "scene.belts.main.speed_m_s; write for example 6"),
    ("dim: 5}", "dim: 64}",
     "46:75: domain.scene.belts.main.speed_m_s.dim: must be a whole number at least 0 "
     "and below 64, got 64; write for example 63"),
    ("dim: 5}",
     "dim: 5}\n  scene.tables.bench.center: {kind: semantic, dim: 63, uniform: [[0,0], [1,1]]}",
     "47:52: domain.scene.tables.bench.center.dim: needs Sobol dimensions 63 to 64 of "
     "64; lower it"),
    ("dim: 5}",
     "dim: 5}\n  look.light: {kind: visual, choice: [{elevation_deg: 3}, {elevation_deg: 99}]}",
     "47:59: domain.look.light.choice.1: {elevation_deg: 99} does not fit: "
     "look.light.elevation_deg: must be a number from 1 to 90, got 99; write for example "
     "90\n"
     "53:3: domain.look.light.elevation_deg: lies inside look.light, which varies, too; "
     "remove one of the two axes"),
    ("choice: all, each: actor", "choice: [block, dick], each: actor",
     "43:58: domain.actors.parts.objects.choice.1: no object dick; did you mean disc?"),
    ("choice: all, each: actor", "choice: all, each: actor, dim: 3",
     "43:73: domain.actors.parts.objects.dim: an axis with each: actor has no Sobol "
     "dimension; remove dim"),
    ("radius_m: [0.8, 1.2]", "radius_m: [1.8, 1.2]",
     "49:48: domain.cameras.overhead.X_WC.eye.on_sphere.radius_m: low 1.8 is above high "
     "1.2; swap them"),
    ("  cameras.overhead.X_WC.eye:", "  scene.bins.tote.center:",
     "49:16: domain.scene.bins.tote.center.on_sphere: on_sphere needs a point [x, y, z], "
     "which scene.bins.tote.center is not; use uniform or choice"),
    ("uniform: [-0.1, 0.3]", "uniform: [[0, 0], [1, 1]]",
     "46:57: domain.scene.belts.main.speed_m_s.uniform: scene.belts.main.speed_m_s is "
     "0.15; give low and high the same form"),
    ("choice: [rubber, green_pvc, null]", "choice: [rubber, 5]",
     "53:61: domain.scene.belts.main.texture.choice.1: 5 does not fit: "
     "scene.belts.main.texture: must be rubber, green_pvc, concrete, wood, plastic, "
     "steel, cardboard, checker, noise, stripes, terrazzo, shapes, gradient or null, "
     "got 5; write for example rubber"),
    ("kind: semantic, choice: all", "kind: visual, choice: all",
     "43:32: domain.actors.parts.objects.kind: changes labels, so it cannot be visual; "
     "declare it semantic"),
    ("uniform: [25, 85], edge: {glare: {uniform: [5,",
     "uniform: [25, 95], edge: {glare: {uniform: [0,",
     "52:58: domain.look.light.elevation_deg.uniform.1: 95.0 does not fit: "
     "look.light.elevation_deg: must be a number from 1 to 90, got 95.0; write for "
     "example 90\n"
     "52:88: domain.look.light.elevation_deg.edge.glare.uniform.0: 0.0 does not fit: "
     "look.light.elevation_deg: must be a number from 1 to 90, got 0.0; write for "
     "example 1"),
    ("choice: {striped: 2, plain: 1}", "so3: uniform",
     "45:45: domain.actors.parts.texture.so3: so3 needs an orientation, which "
     "actors.parts.texture is not; use uniform or choice"),
    ("look.backdrop.color: {kind: visual, uniform: [[0, 0, 0], [1, 1, 1]]}",
     "actors.parts.spawn.zone: {kind: semantic, choice: [infeed, outfeed]}",
     "51:62: domain.actors.parts.spawn.zone.choice.1: outfeed does not fit: "
     "actors.parts.spawn.zone: no zone outfeed; there is infeed"),
]
# fmt: on


@pytest.mark.parametrize(("old", "new", "line"), WRONG)
def test_a_wrong_domain_is_told_where_what_and_the_way_out(
    old: str, new: str, line: str, tasks: Path
) -> None:
    assert old in FULL
    (tasks / "full.yaml").write_text(FULL.replace(old, new, 1))
    with pytest.raises(InputError) as caught:
        load_task("full.yaml")
    assert str(caught.value) == "\n".join(f"full.yaml:{part}" for part in line.splitlines())
    assert ";" in line  # the way out


CURES = [  # an edit that breaks full.yaml, what is said of it, and the edit that was advised
    (("scene.belts.main.speed_m_s:", "scene.belt.speed_m_s:"),
     "did you mean scene.belts.main.speed_m_s?",
     ("scene.belt.speed_m_s:", "scene.belts.main.speed_m_s:")),
    (("kind: semantic, uniform: [-0.1", "kind: visual, uniform: [-0.1"),
     "declare it semantic",
     ("kind: visual, uniform: [-0.1", "kind: semantic, uniform: [-0.1")),
    (("integers: [1, 6]", "uniform: [1, 6]"), "use integers",
     ("uniform: [1, 6]", "integers: [1, 6]")),
    (("integers: [1, 6]", "integers: [6, 1]"), "swap them", ("[6, 1]", "[1, 6]")),
    (("integers: [1, 6]", "integers: [1, 600]"), "write for example 500", ("600", "500")),
    (("each: actor}\n  actors.parts.spawn", "each: actor, dim: 3}\n  actors.parts.spawn"),
     "remove dim", (", dim: 3", "")),
    (("uniform: [-0.1, 0.3]", "each: actor, uniform: [-0.1, 0.3]"), "remove each",
     ("each: actor, uniform", "uniform")),
    (("dim: 5}", "dim: 5}\n  scene.belts.main.yaw_deg: {kind: semantic, dim: 5, uniform: [0, 1]}"),
     "write for example 6", ("semantic, dim: 5", "semantic, dim: 6")),
    (("choice: {striped: 2, plain: 1}", "choice: {striped: 0, plain: 0}"), "raise one",
     ("plain: 0", "plain: 1")),
]  # fmt: skip


@pytest.mark.parametrize(("broken", "said", "cure"), CURES)
def test_following_the_advice_solves_the_problem(
    broken: tuple[str, str], said: str, cure: tuple[str, str], tasks: Path
) -> None:
    text = FULL.replace(*broken, 1)
    (tasks / "full.yaml").write_text(text)
    with pytest.raises(InputError) as caught:
        load_task("full.yaml")
    assert said in str(caught.value)
    (tasks / "full.yaml").write_text(text.replace(*cure, 1))
    load_task("full.yaml")


def test_objects_that_only_an_axis_names_are_loaded_and_checked(tasks: Path) -> None:
    text = FULL.replace("objects: [block, disc]", "objects: block")
    axis = "choice: [block, disc], each: actor"
    (tasks / "full.yaml").write_text(text.replace("choice: all, each: actor", axis, 1))
    assert sorted(load_task("full.yaml").objects) == ["block", "disc"]
    (tasks.parent / "objects" / "disc" / "object.yaml").write_text("name: disc\n")
    with pytest.raises(InputError, match=r"disc/object.yaml:1:1: class: is missing"):
        load_task("full.yaml")


def test_each_actor_is_allowed_for_what_a_part_can_have_of_its_own(tasks: Path) -> None:
    rows = [
        "color: {kind: visual, uniform: [[0, 0, 0], [1, 1, 1]], each: actor}",
        "spawn.position: {kind: semantic, uniform: [[0, 0], [1, 1]], each: actor}",
        "spawn.height_m: {kind: semantic, uniform: [0.0, 0.3], each: actor}",
    ]
    (tasks / "full.yaml").write_text(FULL + "".join(f"  actors.parts.{row}\n" for row in rows))
    assert len(load_task("full.yaml").spec.domain) == 13
