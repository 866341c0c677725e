"""The capsules of the UR3e contain its meshes, and the pairs that are left out never meet."""

from pathlib import Path

import numpy as np
import pytest

from teletwin.assets import asset_path
from teletwin.errors import RobotError
from teletwin.robot.bodies import Capsule, bodies_of, load_bodies
from teletwin.robot.containment import read_triangles, uncovered_m
from teletwin.robot.kinematics import link_frames
from teletwin.robot.model import load_robot
from teletwin.robot.ur3e import TOOL_FRAME, load_ur3e

MESHES = {
    "base_link_inertia": "base",
    "shoulder_link": "shoulder",
    "upper_arm_link": "upper_arm",
    "forearm_link": "forearm",
    "wrist_1_link": "wrist_1",
    "wrist_2_link": "wrist_2",
    "wrist_3_link": "wrist_3",
}


@pytest.mark.parametrize("detail", [".", "low"])
@pytest.mark.parametrize("link", MESHES)
def test_every_triangle_of_a_link_lies_inside_its_capsules(link, detail):
    triangles = read_triangles(asset_path("robots", "ur3e", "meshes", detail, f"{MESHES[link]}.obj"))
    capsules = np.array([[*c.a, *c.b, c.radius] for c in load_ur3e().bodies.of(link)])
    assert uncovered_m(triangles, capsules) == 0.0


def test_a_triangle_between_two_capsules_that_hold_its_corners_is_found_out():
    triangle = np.array([[[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.001]]])
    ends = np.array([[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.1], [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.1]])
    assert uncovered_m(triangle, ends) > 0.1
    meeting = np.array([[0.0, 0.0, 0.0, 0.5, 0.0, 0.0, 0.1], [0.5, 0.0, 0.0, 1.0, 0.0, 0.0, 0.1]])
    assert uncovered_m(triangle, meeting) == 0.0


def test_wrists_one_and_two_stay_on_their_side_of_base_and_shoulder():
    """Joints 2 to 4 are parallel: along them base and shoulder end before wrists 1 and 2 begin, at all joints."""

    def corners(link):
        return read_triangles(asset_path("robots", "ur3e", "meshes", f"{MESHES[link]}.obj")).reshape(-1, 3)

    base, shoulder, wrist_1, wrist_2 = (
        corners(link) for link in ("base_link_inertia", "shoulder_link", "wrist_1_link", "wrist_2_link")
    )
    frames = link_frames(load_ur3e().chain, np.zeros(6), ["upper_arm_link", "wrist_1_link"])
    along = frames["upper_arm_link"][1][:, 2]
    inner = max(float(np.hypot(base[:, 0], base[:, 1]).max()), float((-shoulder[:, 1]).max()))
    offset = float((frames["wrist_1_link"][0] - frames["upper_arm_link"][0]) @ along)
    across = float(np.hypot(wrist_2[:, 0], wrist_2[:, 1]).max())
    outer = offset + min(float(wrist_1[:, 2].min()), -across)
    assert outer - inner > 0.007


def test_people_read_words():
    bodies = load_ur3e().bodies
    names = {bodies.pair_name(*pair) for pair in bodies.pairs}
    assert {"wrist 3 to upper arm", "forearm to base", "wrist 3 to forearm"} <= names
    assert bodies.mounted == ("base_link_inertia",)
    assert bodies.name("a_link_of_another_robot") == "a_link_of_another_robot"


def test_a_tool_is_kept_off_all_but_what_it_is_mounted_on():
    bodies = load_ur3e().bodies
    pen = Capsule(link=TOOL_FRAME, a=np.zeros(3), b=np.array([0.0, 0.0, 0.12]), radius=0.01)
    armed = bodies.with_tool([pen], name="pen", touching=("wrist_3_link",))
    assert armed.of(TOOL_FRAME) == (pen,)
    assert (TOOL_FRAME, "upper_arm_link") in armed.pairs
    assert (TOOL_FRAME, "wrist_3_link") not in armed.pairs
    assert armed.pair_name(TOOL_FRAME, "forearm_link") == "pen to forearm"
    with pytest.raises(RobotError, match="no capsules yet"):
        armed.with_tool([pen])


def test_spheres_stand_in_where_there_is_no_bodies_file():
    folder = asset_path("robots", "ur3e")
    robot = load_robot(
        urdf=folder / "ur3e.urdf", description=folder / "ur3e_robot_description.yaml", tool_frame="tool0"
    )
    assert len(robot.bodies.capsules) == len(robot.spheres)
    assert ("wrist_3_link", "forearm_link") in robot.bodies.pairs
    assert ("wrist_3_link", "wrist_2_link") not in robot.bodies.pairs
    assert bodies_of(robot.chain, []).capsules == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("links: [", "not YAML"),
        ("links: {}", "never_meet"),
        ("links: {arm: {name: arm, capsules: [{a: [0, 0], radius: 1}]}}\nnever_meet: {}", "capsule of arm"),
        ("links: {arm: {name: arm, capsules: [{a: [0, 0, 0], radius: -1}]}}\nnever_meet: {}", "radius > 0"),
        ("links: {arm: {name: arm, capsules: []}}\nnever_meet: {arm: [leg]}", "leg"),
        ("[]", "not a bodies file"),
    ],
)
def test_a_bad_file_is_told(tmp_path: Path, text, told):
    path = tmp_path / "bodies.yaml"
    path.write_text(text)
    with pytest.raises(RobotError, match=told):
        load_bodies(path)


def test_a_link_that_the_robot_lacks_is_told(tmp_path: Path):
    folder = asset_path("robots", "ur3e")
    path = tmp_path / "bodies.yaml"
    path.write_text("links: {leg: {name: leg, capsules: [{a: [0, 0, 0], radius: 0.1}]}}\nnever_meet: {}")
    with pytest.raises(RobotError, match="leg"):
        load_robot(
            urdf=folder / "ur3e.urdf",
            description=folder / "ur3e_robot_description.yaml",
            tool_frame="tool0",
            bodies=path,
        )
    with pytest.raises(RobotError, match="cannot be read"):
        load_bodies(tmp_path / "absent.yaml")
