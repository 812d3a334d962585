"""What a loaded task is: complete, written back without loss, with digests that mean something."""

import json
from pathlib import Path

import pytest

from simenv.errors import InputError
from simenv.spec.load import load_task, schema, task_from_text
from simenv.spec.task import TaskSpec
from simenv.spec.yaml import parse

DATA = Path(__file__).parent.parent / "data"


@pytest.mark.parametrize("name", ["full", "minimal"])
def test_the_text_of_a_task_gives_the_task_back(name: str, shared_tasks: Path) -> None:
    task = load_task(shared_tasks / f"{name}.yaml")
    back = task_from_text(task.text, near=shared_tasks)
    assert back.spec == task.spec
    assert back.text == task.text
    assert back.sha256 == task.sha256
    assert back.catalog_sha256 == task.catalog_sha256
    assert back.name == name
    assert back.path is None


def test_the_text_has_every_default(shared_tasks: Path) -> None:
    """A later version with other defaults must read the same task from it."""
    value = parse(load_task(shared_tasks / "minimal.yaml").text, name="f").value
    assert value["physics"]["settle"]["hold_s"] == 0.3
    assert value["cameras"]["eye"]["near_m"] is None
    assert value["actors"]["parts"]["spawn"]["orientation"] == {"rpy_deg": (0.0, 0.0, 0.0)}
    assert value["scene"]["floor"]["texture"] == "concrete"
    assert set(value) == set(TaskSpec.model_fields)


def test_order_and_layout_of_the_file_do_not_matter_to_the_text(shared_tasks: Path) -> None:
    text = (DATA / "minimal.yaml").read_text()
    head, tail = text.split("scene:")
    scene, cameras = tail.split("cameras:")
    moved = f"cameras:{cameras}{head}scene:{scene}".replace("[32, 24]", "\n    - 32\n    - 24")
    moved = moved.replace("{resolution:", "{'resolution':").replace(
        "\n    - 32\n    - 24", "[32,24]"
    )
    again = task_from_text(moved, near=shared_tasks)
    assert again.sha256 == load_task(shared_tasks / "minimal.yaml").sha256


def test_a_task_knows_its_objects_by_name(shared_tasks: Path) -> None:
    task = load_task(shared_tasks / "full.yaml")
    assert list(task.objects) == ["block", "disc"]
    assert task.objects["block"].spec.keypoints == {"top": (0.0, 0.0, 0.02)}
    assert task.path == shared_tasks / "full.yaml"


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("object.yaml", b"mass_kg: 0.1", b"mass_kg: 0.2"),
        ("block.obj", b"v 0.03", b"v 0.031"),
        ("block.obj", b"vt 1 1", b"vt 1 0.5"),
        ("hull.obj", b"v 0.03", b"v 0.031"),
        ("plain.jpg", b"\xff\xd9", b"\xff\xd9\x00"),
    ],
)
def test_the_digest_of_the_catalog_sees_every_file(
    file: str, old: bytes, new: bytes, tasks: Path
) -> None:
    before = load_task("full.yaml")
    digest = before.catalog_sha256
    path = tasks.parent / "objects" / "block" / file
    assert old in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    after = load_task("full.yaml")
    assert after.catalog_sha256 != digest
    assert after.sha256 == before.sha256


def test_the_digest_does_not_depend_on_where_the_objects_are(tasks: Path) -> None:
    before = load_task("full.yaml").catalog_sha256
    (tasks.parent / "objects").rename(tasks / "objects")
    assert load_task("full.yaml").catalog_sha256 == before


def test_a_name_that_is_no_task_is_told_the_way_out() -> None:
    with pytest.raises(InputError, match="no task no_such_task; "):
        load_task("no_such_task")


def test_a_task_in_a_dataset_is_called_task_in_errors() -> None:
    with pytest.raises(InputError, match=r"^task:1:1: "):
        task_from_text("")


@pytest.mark.parametrize("kind", ["task", "object"])
def test_the_schema_is_plain_json_and_describes_the_keys(kind: str) -> None:
    body = json.loads(json.dumps(schema(kind)))
    assert body["$id"].endswith(f"simenv-{kind}-1.json")
    assert body["additionalProperties"] is False
    for definition in [body, *body["$defs"].values()]:
        assert definition["description"]
    rolling = body["$defs"]["Friction"]["properties"]["rolling"]
    assert rolling["default"] == 0.001
    assert rolling["description"] == "Below about 1e-3 a lying cylinder never stops."


def test_the_schema_knows_textures_and_keys_by_their_yaml_names() -> None:
    belt = schema()["$defs"]["Belt"]["properties"]
    assert "green_pvc" in json.dumps(belt["texture"])
    assert belt["profile"]["description"] == "(time_s, factor of speed), linear in between."
    assert "class" in schema("object")["required"]


def test_an_unknown_schema_is_told_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"^no schema tsk; did you mean task\?$"):
        schema("tsk")
