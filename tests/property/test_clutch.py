"""The clutch never jumps and never leaves the workspace, whatever the hand does."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from teletwin.geometry import quat_from_rotvec, rotation_angle
from teletwin.hand.clutch import Clutch, ClutchCfg
from teletwin.hand.workspace import Workspace

HOME = np.array([-0.382479, -0.131123, 0.244324, 0.0, 1.0, 0.0, 0.0])
coordinate = st.floats(-2.0, 2.0, allow_nan=False)
step = st.floats(-0.03, 0.03, allow_nan=False)
vector = st.tuples(coordinate, coordinate, coordinate)
small = st.tuples(step, step, step)


@settings(deadline=None, max_examples=60)
@given(places=st.lists(st.tuples(vector, vector, st.booleans()), min_size=1, max_size=40), scale=st.floats(0.1, 3.0))
def test_the_target_is_always_in_the_workspace(places, scale):
    clutch, workspace = Clutch(ClutchCfg(scale=scale), tool_pose=HOME), Workspace()
    for place, turn, closed in places:
        tool = clutch.update(np.array([*place, *quat_from_rotvec(turn)]), closed=closed)
        assert workspace.contains(tool[:3], tolerance=1e-9)
        assert abs(np.linalg.norm(tool[3:]) - 1.0) < 1e-9


@settings(deadline=None, max_examples=60)
@given(moves=st.lists(st.tuples(small, small, st.booleans()), min_size=2, max_size=150), scale=st.floats(0.2, 2.0))
def test_a_small_hand_step_is_a_small_tool_step_across_clutching_and_the_base_column(moves, scale):
    clutch = Clutch(ClutchCfg(scale=scale), tool_pose=HOME)
    place, turn = np.zeros(3), np.zeros(3)
    before = clutch.update(np.array([*place, *quat_from_rotvec(turn)]), closed=True)
    for delta, spin, closed in moves:
        place, turn = place + delta, turn + spin
        pose = np.array([*place, *quat_from_rotvec(turn)])
        tool = clutch.update(pose, closed=closed)
        hand_step = np.linalg.norm(delta)
        assert np.linalg.norm(tool[:3] - before[:3]) <= 12.0 * scale * hand_step + 1e-9
        assert rotation_angle(tool[3:], before[3:]) <= 0.12
        before = tool


@settings(deadline=None, max_examples=100)
@given(hand=vector, other=vector, turn=vector)
def test_closing_the_clutch_moves_nothing(hand, other, turn):
    clutch = Clutch(tool_pose=HOME)
    clutch.update(np.array([*hand, 1.0, 0.0, 0.0, 0.0]), closed=True)
    tool = clutch.update(np.array([*other, *quat_from_rotvec(turn)]), closed=True)
    clutch.update(np.array([*hand, 1.0, 0.0, 0.0, 0.0]), closed=False)
    again = clutch.update(np.array([*hand, *quat_from_rotvec(turn)]), closed=True)
    np.testing.assert_allclose(again, tool, atol=1e-12)


def test_a_hand_drawn_straight_through_the_base_slides_around_it():
    clutch, workspace = Clutch(ClutchCfg(hand_to_base=(1.0, 0.0, 0.0, 0.0)), tool_pose=HOME), Workspace()
    clutch.update(np.array([0, 0, 0, 1.0, 0, 0, 0]), closed=True)
    path = [clutch.tool_pose[:3]]
    for share in np.linspace(0.0, 2.0, 400):
        pose = np.array([*(-share * HOME[:2]), 0.0, 1.0, 0.0, 0.0, 0.0])
        path.append(clutch.update(pose, closed=True)[:3])
    assert all(workspace.contains(place) for place in path)
    assert np.linalg.norm(np.diff(path, axis=0), axis=1).max() < 0.03
    np.testing.assert_allclose(path[-1][:2], -HOME[:2], atol=1e-6)


@settings(deadline=None, max_examples=200)
@given(rho=st.floats(0.0, 3.0), z=st.floats(-3.0, 3.0), drho=st.floats(-0.1, 0.1), dz=st.floats(-0.1, 0.1))
def test_projection_is_inside_idempotent_and_never_stretches(rho, z, drho, dz):
    workspace = Workspace()
    near = workspace.nearest(rho, z)
    assert workspace.contains(np.array([near[0], 0.0, near[1]]))
    np.testing.assert_allclose(workspace.nearest(*near), near, atol=1e-9)
    other_rho = max(rho + drho, 0.0)
    other = workspace.nearest(other_rho, z + dz)
    assert np.hypot(near[0] - other[0], near[1] - other[1]) <= np.hypot(other_rho - rho, dz) + 1e-9
