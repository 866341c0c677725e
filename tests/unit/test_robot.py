from __future__ import annotations

import numpy as np
import pytest

from teletwin.assets import asset_path
from teletwin.errors import RobotError
from teletwin.geometry import compose, quat_from_rotvec, rotation_angle
from teletwin.robot import (
    WorkspaceLimits,
    forward,
    jacobian,
    load_robot,
    load_ur3e,
    swap_base,
    swap_base_vector,
    tool_pose_in_ur_base,
)
from teletwin.robot.fold import build_chain
from teletwin.robot.ur3e import HOME_Q, JOINT_NAMES
from teletwin.robot.urdf import parse_urdf

TURN = np.concatenate([np.zeros(3), quat_from_rotvec([0.0, 0.0, np.pi])])


def test_the_two_base_frames_are_half_a_turn_about_z_apart():
    pose = np.array([0.3184, 0.2425, 0.1, 0.5, 0.5, -0.5, 0.5])
    turned = swap_base(pose)
    np.testing.assert_allclose(turned, compose(TURN, pose), atol=1e-15)
    np.testing.assert_allclose(turned[:3], [-0.3184, -0.2425, 0.1])
    np.testing.assert_allclose(swap_base_vector(pose[:3]), turned[:3])
    assert rotation_angle(swap_base(turned)[3:], pose[3:]) < 1e-7


@pytest.mark.parametrize(
    ("q", "point"),
    [
        (np.zeros(6), (-0.45675, -0.22315, 0.0665)),
        (HOME_Q, (-0.382479, -0.131123, 0.244324)),
    ],
)
def test_the_tool_is_where_the_controller_says(q, point):
    np.testing.assert_allclose(tool_pose_in_ur_base(q)[:3], point, atol=1e-6)


def dh_tool(q):
    a = [0, -0.24355, -0.2132, 0, 0, 0]
    d = [0.15185, 0, 0, 0.13105, 0.08535, 0.0921]
    alpha = np.array([1, 0, 0, 1, -1, 0]) * np.pi / 2
    pose = np.array([0.0, 0, 0, 1, 0, 0, 0])
    for i in range(6):
        turn = np.concatenate([[0, 0, d[i]], quat_from_rotvec([0, 0, q[i]])])
        step = np.concatenate([[a[i], 0, 0], quat_from_rotvec([alpha[i], 0, 0])])
        pose = compose(compose(pose, turn), step)
    return pose


def test_the_description_agrees_with_the_manufacturers_dh_table():
    rng = np.random.default_rng(1)
    for q in rng.uniform(-3, 3, (20, 6)):
        pose, expected = tool_pose_in_ur_base(q), dh_tool(q)
        np.testing.assert_allclose(pose[:3], expected[:3], atol=1e-12)
        assert rotation_angle(pose[3:], expected[3:]) < 1e-7


def test_the_jacobian_is_the_derivative_of_forward_kinematics_for_whole_batches():
    chain = load_ur3e().chain
    rng = np.random.default_rng(2)
    q, qd = rng.uniform(-3, 3, (2, 4, 5, 6))
    step = 1e-6
    ahead, behind = (forward(chain, q + s * qd, "tool0") for s in (step, -step))
    twist = np.einsum("...ij,...j->...i", jacobian(chain, q, "tool0"), qd)
    np.testing.assert_allclose(twist[..., :3], (ahead - behind)[..., :3] / (2 * step), atol=1e-8)
    angle = rotation_angle(behind[..., 3:], ahead[..., 3:]) / (2 * step)
    np.testing.assert_allclose(np.linalg.norm(twist[..., 3:], axis=-1), angle, atol=1e-6)


def test_lula_description_and_xrdf_give_the_same_robot():
    other = load_robot(
        urdf=asset_path("robots", "ur3e", "ur3e.urdf"), description=asset_path("robots", "ur3e", "ur3e.xrdf")
    )
    robot = load_ur3e()
    assert other.chain.joint_names == robot.chain.joint_names == JOINT_NAMES
    assert other.tool_frame == robot.tool_frame
    np.testing.assert_array_equal(other.default_q, robot.default_q)
    np.testing.assert_array_equal(other.acceleration_limits, np.full(6, 40.0))
    assert len(other.spheres) == len(robot.spheres) == 30
    for left, right in zip(other.spheres, robot.spheres, strict=True):
        assert (left.link, left.radius) == (right.link, right.radius)
        np.testing.assert_array_equal(left.center, right.center)


ARM_WITH_FINGER = """<robot name="arm">
  <link name="root"/><link name="a"/><link name="b"/><link name="finger"/><link name="tip"/>
  <joint name="turn" type="revolute"><parent link="root"/><child link="a"/><origin xyz="0 0 1"/>
    <axis xyz="0 0 1"/><limit lower="-1" upper="1" velocity="2" effort="3"/></joint>
  <joint name="finger_joint" type="prismatic"><parent link="b"/><child link="finger"/>
    <axis xyz="1 0 0"/><limit lower="0" upper="0.05" velocity="1" effort="1"/></joint>
  <joint name="slide" type="prismatic"><parent link="a"/><child link="b"/>
    <axis xyz="0 2 0"/><limit lower="0" upper="1" velocity="1" effort="1"/></joint>
  <joint name="end" type="fixed"><parent link="finger"/><child link="tip"/><origin xyz="0.1 0 0"/></joint>
</robot>"""


def test_joints_outside_the_c_space_are_fixed_where_the_description_says():
    model = parse_urdf(ARM_WITH_FINGER)
    chain = build_chain(model, joint_names=["slide", "turn"], fixed_q={"finger_joint": 0.03})
    assert chain.order == (1, 0)
    assert chain.ancestors(chain.frame("tip").joint) == (1, 0)
    np.testing.assert_allclose(forward(chain, np.array([0.5, 0.0]), "tip")[:3], [0.13, 0.5, 1.0])
    np.testing.assert_allclose(forward(chain, np.array([0.5, np.pi / 2]), "tip")[:3], [-0.5, 0.13, 1.0], atol=1e-12)


@pytest.mark.parametrize(
    ("broken", "replacement", "line", "word"),
    [
        ('lower="-1"', 'lower="one"', 4, "lower"),
        ('xyz="0 2 0"', 'xyz="0 0 0"', 7, "axis"),
        ('<child link="b"/>', '<child link="nowhere"/>', 7, "nowhere"),
        ('type="prismatic"><parent link="b"/>', 'type="floating"><parent link="b"/>', 5, "floating"),
        ("</robot>", "</robo>", 10, "XML"),
        ('<child link="b"/>', '<child link="a"/>', 7, "two parents"),
    ],
)
def test_a_bad_urdf_is_refused_with_its_line(broken, replacement, line, word):
    with pytest.raises(RobotError) as error:
        parse_urdf(ARM_WITH_FINGER.replace(broken, replacement), source="arm.urdf")
    assert f"arm.urdf:{line}:" in str(error.value)
    assert word in str(error.value)


def test_an_unknown_frame_and_a_wrong_size_are_named():
    chain = load_ur3e().chain
    with pytest.raises(RobotError, match="tool9"):
        chain.frame("tool9")
    with pytest.raises(RobotError, match="size"):
        forward(chain, np.zeros(5), "tool0")


def test_the_workspace_is_a_ball_about_the_shoulder_above_the_table():
    workspace = WorkspaceLimits()
    assert workspace.contains(np.array([-0.38, -0.13, 0.24]))
    assert not workspace.contains(np.array([-0.5, 0.0, 0.15]))
    assert not workspace.contains(np.array([-0.3, 0.0, 0.0]))


def test_an_xrdf_may_widen_the_spheres_of_a_link(tmp_path):
    text = asset_path("robots", "ur3e", "ur3e.xrdf").read_text()
    wide = tmp_path / "wide.xrdf"
    wide.write_text(text.replace("world_collision:\n", "world_collision:\n  buffer_distance: {wrist_3_link: 0.01}\n"))
    spheres = load_robot(urdf=asset_path("robots", "ur3e", "ur3e.urdf"), description=wide).spheres
    assert spheres[-1].radius == pytest.approx(0.045)
    assert spheres[0].radius == pytest.approx(0.055)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("cspace: [shoulder_pan_joint]\n", "default_q"),
        ("cspace: [a\n", "description.yaml:"),
        ("- 1\n", "mapping"),
        ("cspace: [elbow_joint]\ndefault_q: [.nan]\n", "finite"),
        ("cspace: [knee_joint]\ndefault_q: [0]\n", "knee_joint"),
    ],
)
def test_a_bad_description_is_refused_in_one_line(tmp_path, text, word):
    path = tmp_path / "description.yaml"
    path.write_text(text)
    with pytest.raises(RobotError, match=word) as error:
        load_robot(urdf=asset_path("robots", "ur3e", "ur3e.urdf"), description=path, tool_frame="tool0")
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(RobotError, match=r"nowhere\.urdf"):
        load_robot(urdf=tmp_path / "nowhere.urdf", description=tmp_path / "nowhere.yaml")
