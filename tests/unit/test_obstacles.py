"""Still obstacles of a scene file as solids."""

import numpy as np
import pytest

from teletwin.assets import asset_path
from teletwin.errors import RobotError
from teletwin.robot.obstacles import Box, Plane, Rod, load_obstacles


def test_the_table_scene_is_a_box_and_a_plane():
    table, floor = load_obstacles(asset_path("scenes", "table.xml"))
    assert isinstance(table, Box)
    assert isinstance(floor, Plane)
    assert (table.name, floor.name) == ("table", "floor")
    np.testing.assert_allclose(table.center + table.half_size, [0.25, 0.55, 0.0])
    np.testing.assert_allclose([*floor.normal, floor.offset], [0.0, 0.0, 1.0, -0.75])


def test_the_arm_alone_has_no_obstacles():
    assert load_obstacles(asset_path("robots", "ur3e", "ur3e.xml")) == ()


def test_frames_defaults_and_kinds_are_those_of_the_simulator(tmp_path):
    path = tmp_path / "scene.xml"
    path.write_text("""<mujoco><worldbody>
      <geom name="pipe" type="capsule" fromto="0 0 0 0 0 1" size="0.1"/>
      <geom type="sphere" size="0.2" pos="1 0 0"/>
      <body pos="0 2 0" euler="0 0 90"><geom name="post" type="cylinder" size="0.3 0.5" pos="1 0 0"/></body>
      <geom name="painting" type="box" size="1 1 1" contype="0" conaffinity="0"/>
      <body><joint type="free"/><geom name="ball" size="0.1"/></body>
    </worldbody></mujoco>""")
    pipe, sphere, post = load_obstacles(path)
    assert isinstance(pipe, Rod)
    assert isinstance(sphere, Rod)
    assert isinstance(post, Rod)
    low, high = sorted((pipe.a, pipe.b), key=lambda end: end[2])
    np.testing.assert_allclose([*low, *high, pipe.radius], [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.1], atol=1e-9)
    np.testing.assert_allclose([*sphere.a, *sphere.b], [1.0, 0.0, 0.0] * 2)
    np.testing.assert_allclose((post.a + post.b) / 2, [0.0, 3.0, 0.0], atol=1e-9)
    rim = np.hypot(0.3, 0.5 - np.linalg.norm(post.b - post.a) / 2)
    assert rim <= post.radius + 1e-9


def test_a_scene_that_cannot_be_read_is_told(tmp_path):
    path = tmp_path / "scene.xml"
    path.write_text("<mujoco><worldbody><geom type='ellipsoid' size='1 1 1' name='egg'/></worldbody></mujoco>")
    with pytest.raises(RobotError, match="egg is a ellipsoid"):
        load_obstacles(path)
    path.write_text("<mujoco")
    with pytest.raises(RobotError, match="cannot read the scene"):
        load_obstacles(path)


def test_what_stands_before_the_arm_in_the_file_is_seen_and_mocap_bodies_too(tmp_path):
    path = tmp_path / "scene.xml"
    path.write_text(f"""<mujoco><worldbody>
      <body pos="1 0 0.2"><joint type="hinge"/><geom name="fan" type="box" size="0.1 0.1 0.1"/></body>
      <body name="marker" mocap="true" pos="0 1 0"><geom name="post" size="0.1"/></body></worldbody>
      <include file="{asset_path("robots", "ur3e", "ur3e.xml")}"/></mujoco>""")
    assert [obstacle.name for obstacle in load_obstacles(path)] == ["post"]
