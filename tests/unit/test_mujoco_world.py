from __future__ import annotations

import numpy as np
import pytest

from teletwin.assets import asset_path
from teletwin.errors import ConfigError, RobotError
from teletwin.geometry import quat_to_matrix
from teletwin.robot.kinematics import link_frames
from teletwin.robot.ur3e import load_ur3e
from teletwin.sim.mujoco_world import MujocoWorld, MujocoWorldCfg

mujoco = pytest.importorskip("mujoco")
HOME = np.array([0.0, -1.2, 1.4, -1.77, -1.57, 0.0])
DH_A = (0.0, -0.24355, -0.2132, 0.0, 0.0, 0.0)
DH_D = (0.15185, 0.0, 0.0, 0.13105, 0.08535, 0.0921)
DH_ALPHA = (np.pi / 2, 0.0, 0.0, np.pi / 2, -np.pi / 2, 0.0)


def dh_forward(q):
    pose = np.eye(4)
    for angle, a, d, alpha in zip(q, DH_A, DH_D, DH_ALPHA, strict=True):
        c, s, ca, sa = np.cos(angle), np.sin(angle), np.cos(alpha), np.sin(alpha)
        pose = pose @ [[c, -s * ca, s * sa, a * c], [s, c * ca, -c * sa, a * s], [0, sa, ca, d], [0, 0, 0, 1]]
    return pose


def test_tool_pose_equals_the_dh_table():
    world = MujocoWorld(MujocoWorldCfg(scene="bare"))
    rng = np.random.default_rng(1)
    for q in [np.zeros(6), HOME, *rng.uniform(-3.0, 3.0, (20, 6))]:
        world.reset(q)
        pose, expected = world.tool_pose(), dh_forward(q)
        np.testing.assert_allclose(pose[:3], expected[:3, 3], atol=1e-9)
        np.testing.assert_allclose(quat_to_matrix(pose[3:]), expected[:3, :3], atol=1e-9)


def test_home_is_where_the_controller_says_it_is():
    world = MujocoWorld()
    world.reset(HOME)
    np.testing.assert_allclose(world.tool_pose()[:3], [-0.382479, -0.131123, 0.244324], atol=1e-6)


def test_the_arm_stands_still_under_gravity():
    world = MujocoWorld()
    world.reset(HOME)
    for _ in range(500):
        world.step(HOME, 0.002)
    assert np.abs(world.q - HOME).max() < 1e-6


def test_a_moving_target_is_followed_without_lag():
    world = MujocoWorld(MujocoWorldCfg(scene="bare"))
    world.reset(HOME)
    errors = []
    for k in range(1, 1501):
        target = HOME + 0.3 * np.sin(2 * np.pi * 0.5 * 0.002 * k) * np.ones(6)
        world.step(target, 0.002)
        errors.append(np.abs(world.q - target).max())
    assert max(errors) < 0.006  # 6 ms of lag at 0.94 rad/s would be 5.7 mrad
    assert np.median(errors[250:]) < 0.002


def test_the_motion_does_not_depend_on_the_rate_of_calls():
    ends = []
    for dt_s in (0.002, 0.010, 1 / 60):
        world = MujocoWorld(MujocoWorldCfg(scene="bare"))
        world.reset(HOME)
        count = round(1.0 / dt_s)
        for k in range(1, count + 1):
            world.step(HOME + 0.2 * k / count, dt_s)
        ends.append(world.q.copy())
    np.testing.assert_allclose(ends[0], ends[1], atol=2e-3)
    np.testing.assert_allclose(ends[0], ends[2], atol=2e-3)


def test_the_same_steps_give_the_same_bytes():
    runs = []
    for _ in range(2):
        world = MujocoWorld()
        world.reset(HOME)
        for k in range(200):
            world.step(HOME + 0.001 * k, 0.002)
        runs.append((world.q.tobytes(), world.object_poses.tobytes()))
    assert runs[0] == runs[1]


def test_objects_rest_on_the_table_within_reach_and_clear_of_the_drawing_tool():
    world = MujocoWorld()
    world.reset(HOME)
    before = world.object_poses
    for _ in range(500):
        world.step(HOME, 0.002)
    after = world.object_poses
    assert [item.kind for item in world.objects] == ["box", "box", "box", "cylinder", "sphere"]
    assert np.linalg.norm(after[:, :3] - before[:, :3], axis=1).max() < 2e-3
    assert np.linalg.norm(after[:, :2], axis=1).max() < 0.45
    assert (after[:, 2] + 0.05 < world.tool_pose()[2] - 0.1).all()


def test_the_arm_pushes_a_cube_and_reset_brings_it_back():
    world = MujocoWorld()
    start = _joints_above_table(world, np.array([-0.26, -0.20]), height=0.03)
    end = _joints_above_table(world, np.array([-0.26, -0.32]), height=0.03)
    world.reset(start)
    placed = world.object_poses
    for k in range(1, 1001):
        world.step(start + (end - start) * k / 1000, 0.002)
    moved = world.object_poses
    assert moved[0, 1] < placed[0, 1] - 0.04
    assert np.isfinite(moved).all()
    world.reset(start)
    np.testing.assert_array_equal(world.object_poses, placed)


def test_a_target_below_the_table_does_not_press_through_it():
    world = MujocoWorld()
    high = _joints_above_table(world, np.array([-0.33, -0.13]), height=0.05)
    low = _joints_above_table(world, np.array([-0.33, -0.13]), height=-0.05)
    world.reset(high)
    for k in range(1, 1001):
        world.step(high + (low - high) * min(k / 500, 1.0), 0.002)
    assert -0.01 < world.tool_pose()[2] < 0.02


def test_the_arm_has_the_bodies_of_its_description():
    model = MujocoWorld(MujocoWorldCfg(scene="bare")).model
    data, robot, turn = mujoco.MjData(model), load_ur3e(), np.diag([-1.0, -1.0, 1.0])
    for q in np.random.default_rng(3).uniform(-3.0, 3.0, (5, 6)):
        data.qpos[:] = q
        mujoco.mj_kinematics(model, data)
        frames = link_frames(robot.chain, q, dict.fromkeys(c.link for c in robot.bodies.capsules))
        assert model.ngeom == len(robot.bodies.capsules)
        for geom, capsule in enumerate(robot.bodies.capsules):
            origin, rotation = frames[capsule.link]
            half = model.geom_size[geom, 1] * data.geom_xmat[geom].reshape(3, 3)[:, 2]
            ends = [turn @ (origin + rotation @ end) for end in (capsule.a, capsule.b)]
            found = [data.geom_xpos[geom] - half, data.geom_xpos[geom] + half]
            best = min(np.abs(np.subtract(found, ends)).max(), np.abs(np.subtract(found, ends[::-1])).max())
            assert best < 2e-5
            assert model.geom_size[geom, 0] == pytest.approx(capsule.radius)


def test_the_arm_touches_itself_where_its_description_keeps_it_apart():
    model, bodies = MujocoWorld(MujocoWorldCfg(scene="bare")).model, load_ur3e().bodies
    links = list(dict.fromkeys(c.link for c in bodies.capsules))
    names = [link.removesuffix("_inertia").removesuffix("_link") for link in links]
    numbers = [mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_BODY, name) for name in names]
    excluded = {(int(s) >> 16, int(s) & 0xFFFF) for s in model.exclude_signature}
    together = {(a, b) for k, a in enumerate(numbers) for b in numbers[k + 1 :]}
    apart = {(numbers[links.index(b)], numbers[links.index(a)]) for a, b in bodies.pairs}
    assert {tuple(sorted(pair)) for pair in excluded} == together - apart
    assert (model.geom_contype & model.geom_conaffinity).all()


def test_a_folding_arm_is_stopped_by_itself():
    world = MujocoWorld(MujocoWorldCfg(scene="bare"))
    folded = HOME + np.array([0.0, 0.0, np.pi - 1.4, 0.0, 0.0, 0.0])
    world.reset(HOME)
    for k in range(1, 1501):
        world.step(HOME + (folded - HOME) * min(k / 1000, 1.0), 0.002)
    assert world.q[2] < 2.9
    assert world.data.ncon > 0


def test_a_world_without_what_can_be_pushed_keeps_the_rest():
    world = MujocoWorld(MujocoWorldCfg(movable=False))
    assert world.objects == ()
    assert world.object_poses.shape == (0, 7)
    assert mujoco.mj_name2id(world.model, mujoco.mjtObj.mjOBJ_GEOM, "table") >= 0


def test_a_wrong_scene_gets_one_clear_line(tmp_path):
    with pytest.raises(ConfigError, match="scene"):
        MujocoWorld(MujocoWorldCfg(scene="moon"))
    broken = tmp_path / "broken.xml"
    broken.write_text("<mujoco><worldbody/></mujoco>")
    with pytest.raises(RobotError, match="tool"):
        MujocoWorld(MujocoWorldCfg(scene=str(broken)))


def test_a_scene_whose_first_joints_are_not_the_arms_is_refused(tmp_path):
    path = tmp_path / "fan.xml"
    path.write_text(f"""<mujoco><worldbody><body><joint type="hinge"/><geom size="0.1"/></body></worldbody>
      <include file="{asset_path("robots", "ur3e", "ur3e.xml")}"/></mujoco>""")
    with pytest.raises(RobotError, match="before anything else"):
        MujocoWorld(MujocoWorldCfg(scene=str(path)))


def _joints_above_table(world, xy, *, height):
    """Damped least squares from home to a tool position with the tool pointing down."""
    q, goal = HOME.copy(), np.array([*xy, height])
    down = dh_forward(HOME)[:3, :3]
    for _ in range(200):
        pose = dh_forward(q)
        error = np.concatenate([goal - pose[:3, 3], 0.5 * np.cross(pose[:3, :3].T, down.T).sum(axis=0)])
        jacobian = np.empty((6, 6))
        for k in range(6):
            bumped = dh_forward(q + 1e-6 * np.eye(6)[k])
            jacobian[:3, k] = (bumped[:3, 3] - pose[:3, 3]) / 1e-6
            jacobian[3:, k] = 0.5 * np.cross(pose[:3, :3].T, bumped[:3, :3].T).sum(axis=0) / 1e-6
        q = q + np.linalg.solve(jacobian.T @ jacobian + 1e-4 * np.eye(6), jacobian.T @ error)
    assert np.linalg.norm(dh_forward(q)[:3, 3] - goal) < 1e-3
    return q
