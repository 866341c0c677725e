"""The world that Isaac simulates."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fake import FakeKit

from teletwin.errors import RobotError
from teletwin.robot.ur3e import HOME_Q, JOINT_NAMES

pytest.importorskip("pxr", reason="usd-core is not installed")


def simulated(fake: FakeKit) -> Any:
    """A world attached to the stage's arm, physics playing."""
    from teletwin.assets import asset_path
    from teletwin.kit.scene import SceneCfg, build_scene
    from teletwin.kit.world import IsaacWorld, simulated_prims

    cfg = SceneCfg(robot_usd=str(asset_path("robots", "ur3e", "ur3e.usda")))
    objects = build_scene(fake.context.get_stage(), cfg)
    world = IsaacWorld()
    fake.timeline.play()
    fake.turn(steps=0)
    world.attach(*simulated_prims(cfg.robot_path, objects))
    return world


def test_the_arm_starts_where_it_was_put_and_follows_its_target(fake: FakeKit) -> None:
    world = simulated(fake)
    start = HOME_Q + 0.1
    world.reset(start)
    world.flush()
    world.refresh()
    np.testing.assert_allclose(world.q, start, atol=1e-6)
    np.testing.assert_allclose(world.qd, 0.0)
    for k in range(50):
        world.step(start + 0.002 * (k + 1), 0.004)
        world.flush()
        fake.physics.step(0.004)
        world.refresh()
    np.testing.assert_allclose(world.q, start + 0.1, atol=0.005)
    np.testing.assert_allclose(world.qd, 0.5, atol=0.05)


def test_a_jump_of_the_target_feeds_no_impossible_speed_forward(fake: FakeKit) -> None:
    from teletwin.robot.ur3e import JointLimits

    world = simulated(fake)
    world.step(HOME_Q + 1.0, 0.004)
    assert (np.abs(world._velocity) <= JointLimits().velocity).all()


def test_before_and_after_a_simulation_the_world_answers_with_its_target(fake: FakeKit) -> None:
    from teletwin.kit.world import IsaacWorld

    world = IsaacWorld()
    assert not world.is_attached
    world.step(HOME_Q + 0.2, 0.004)
    np.testing.assert_allclose(world.q, HOME_Q + 0.2)
    assert world.object_poses.shape == (0, 7)
    world = simulated(fake)
    assert world.is_attached
    assert world.object_poses.shape == (5, 7)
    fake.timeline.stop()
    fake.turn()
    assert not world.is_attached


def test_joints_are_found_by_name_among_others(fake: FakeKit) -> None:
    from teletwin.kit.world import _joint_index

    class Other:
        dof_names = ("finger_joint", *reversed(JOINT_NAMES))

    assert _joint_index(Other()) == [6, 5, 4, 3, 2, 1]
    Other.dof_names = ("finger_joint", *JOINT_NAMES[1:])
    with pytest.raises(RobotError, match=r"not a UR3e.*finger_joint"):
        _joint_index(Other())
