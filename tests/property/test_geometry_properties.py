"""Rotations and poses: what must hold for any of them."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from teletwin import geometry as g

NUMBERS = st.floats(-3.0, 3.0, allow_nan=False, width=64)
ROTVECS = arrays(np.float64, (3,), elements=NUMBERS).filter(lambda r: 1e-6 < np.linalg.norm(r) < 3.1)
VECTORS = arrays(np.float64, (3,), elements=NUMBERS)
POSES = st.builds(lambda p, r: np.concatenate([p, g.quat_from_rotvec(r)]), VECTORS, ROTVECS)


@settings(deadline=None, max_examples=60)
@given(ROTVECS)
def test_rotation_vectors_quaternions_and_matrices_agree(rotvec):
    quat = g.quat_from_rotvec(rotvec)
    assert np.allclose(g.quat_to_rotvec(quat), rotvec, atol=1e-9)
    again = g.quat_from_matrix(g.quat_to_matrix(quat))
    assert np.isclose(abs(again @ quat), 1.0, atol=1e-12)
    assert np.isclose(g.rotation_angle(quat, [1.0, 0.0, 0.0, 0.0]), np.linalg.norm(rotvec), atol=1e-9)


@settings(deadline=None, max_examples=60)
@given(ROTVECS, ROTVECS, VECTORS)
def test_products_rotate_one_after_the_other(first, second, vector):
    a, b = g.quat_from_rotvec(first), g.quat_from_rotvec(second)
    assert np.allclose(
        g.quat_rotate(g.quat_multiply(b, a), vector), g.quat_rotate(b, g.quat_rotate(a, vector)), atol=1e-9
    )
    assert np.allclose(g.quat_to_matrix(a) @ vector, g.quat_rotate(a, vector), atol=1e-9)


@settings(deadline=None, max_examples=60)
@given(POSES)
def test_a_pose_and_its_inverse_cancel(pose):
    assert np.allclose(g.compose(pose, g.invert(pose)), g.IDENTITY_POSE, atol=1e-9)
    assert g.is_valid_pose(pose)


@settings(deadline=None, max_examples=60)
@given(POSES, POSES)
def test_a_blend_starts_and_ends_at_its_ends(start, end):
    assert np.allclose(g.interpolate_pose(start, end, 0.0), start)
    blended = g.interpolate_pose(start, end, 1.0)
    assert np.allclose(blended[:3], end[:3])
    assert np.isclose(g.rotation_angle(blended[3:], end[3:]), 0.0, atol=1e-7)


@settings(deadline=None, max_examples=30)
@given(arrays(np.float64, (12, 3), elements=NUMBERS), st.lists(st.booleans(), min_size=12, max_size=12))
def test_aligned_quaternions_have_no_sign_jumps(rotvecs, flips):
    quats = g.quat_from_rotvec(np.cumsum(0.1 * rotvecs, axis=0)) * np.where(flips, -1.0, 1.0)[:, None]
    aligned = g.align_hemispheres(quats)
    assert (np.sum(aligned[1:] * aligned[:-1], axis=1) >= 0.0).all()
    assert np.allclose(np.abs(aligned), np.abs(quats))


def test_what_is_no_pose_is_told():
    assert not g.is_valid_pose(np.full(7, np.nan))
    assert not g.is_valid_pose(np.zeros(7))
    assert not g.is_valid_pose(np.ones(6))
