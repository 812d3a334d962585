"""The engine's files hold what they are made of."""

import pytest

from simenv.mesh import box, load_obj
from simenv.render.meshfile import MeshFiles


def test_a_mesh_is_written_with_its_texture() -> None:
    files = MeshFiles()
    path = files.write(box((0.1, 0.2, 0.3)), "checker", key="box")
    assert load_obj(path).extents == pytest.approx((0.1, 0.2, 0.3))
    material = path.with_suffix(".mtl").read_text()
    assert (path.parent / material.split("map_Kd ")[1].strip()).exists()
    assert files.write(box((0.1, 0.2, 0.3)), "checker", key="box") == path
    files.close()
    assert not path.parent.exists()
