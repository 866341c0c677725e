"""What the limits look at: the arm's bodies, the table, and what a scene file puts around the arm."""

import numpy as np
import pytest

from teletwin.assets import SCENES, scene_path
from teletwin.robot.obstacles import Box, Plane, Rod, load_obstacles
from teletwin.robot.ur3e import HOME_Q, JointLimits, WorkspaceLimits, load_ur3e
from teletwin.session.build import build_limiter
from teletwin.session.config import SessionCfg
from teletwin.twin.limits.scene import build_scene

POST = """<mujoco><include file="{arm}"/><worldbody>
<geom name="post" type="cylinder" fromto="-0.3 -0.35 0 -0.3 -0.35 0.4" size="0.03" contype="2" conaffinity="3"/>
</worldbody></mujoco>"""


def scene_of(*obstacles):
    return build_scene(load_ur3e(), joints=JointLimits(), workspace=WorkspaceLimits(), obstacles=obstacles)


@pytest.mark.parametrize("name", sorted(SCENES))
def test_the_table_plane_covers_what_stands_still_in_the_built_in_scenes(name):
    assert scene_of(*load_obstacles(scene_path(name))).check_names == scene_of().check_names


def test_every_moving_body_is_kept_off_every_obstacle_by_name():
    names = scene_of(
        Box(name="box", center=np.array([0.3, 0.0, 0.2]), rotation=np.eye(3), half_size=np.full(3, 0.05)),
        Rod(name="post", a=np.array([0.0, 0.4, 0.0]), b=np.array([0.0, 0.4, 0.5]), radius=0.02),
        Plane(name="wall", normal=np.array([1.0, 0.0, 0.0]), offset=-0.6),
    ).check_names
    for body in ("upper arm", "forearm", "wrist 1", "wrist 2", "wrist 3"):
        for solid in ("table", "box", "post", "wall"):
            assert f"{body} to {solid}" in names


def test_a_scene_file_holds_the_arm_back(tmp_path):
    scene = tmp_path / "post.xml"
    scene.write_text(POST.format(arm=scene_path("bare")))
    desired = HOME_Q + np.array([0.7, 0.0, 0.0, 0.0, 0.0, 0.0])
    reached = {}
    for name in ("table", str(scene)):
        limiter = build_limiter(SessionCfg(scene=name))
        limiter.reset(HOME_Q)
        for _ in range(500):
            command = limiter.limit(desired, 0.002)
        reached[name] = command
    np.testing.assert_allclose(reached["table"].q, desired, atol=1e-6)
    assert reached[str(scene)].reason.endswith("to post")
    assert reached[str(scene)].q[0] < 0.6
