"""The picture shows what the state says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from teletwin.assets import asset_path
from teletwin.errors import ConfigError, MissingPartError
from teletwin.robot.ur3e import HOME_Q, tool_pose_in_ur_base
from teletwin.view import SceneState, gl_context
from teletwin.view.camera import Camera
from teletwin.view.link_frames import link_frames
from teletwin.view.meshes import LINK_NAMES, load_links
from teletwin.view.renderer import Renderer
from teletwin.view.scene_file import read_scene_objects
from teletwin.view.solids import SceneObject

WIDTH, HEIGHT = 640, 360
BALL = SceneObject(kind="sphere", size=(0.04,), colour=(0.9, 0.05, 0.05))
NOTHING = np.zeros((0, 3))
STATE = SceneState(
    q=HOME_Q,
    q_ghost=None,
    object_poses=np.array([[-0.4, 0.1, 0.04, 1.0, 0.0, 0.0, 0.0]]),
    target=None,
    forecast=None,
    trace=NOTHING,
    ghost_trace=NOTHING,
)


@pytest.fixture(scope="module")
def renderer():
    with Renderer(WIDTH, HEIGHT, objects=[BALL]) as made:
        yield made


@pytest.fixture(autouse=True)
def _as_made(renderer):
    renderer.shadow = renderer.smooth = True
    if (renderer.width, renderer.height) != (WIDTH, HEIGHT):
        renderer.resize(WIDTH, HEIGHT)


def changed(renderer: Renderer, first: SceneState, second: SceneState) -> np.ndarray:
    """Pixels (h, w) that differ clearly between two states."""
    before = renderer.render(first).astype(int)
    return np.abs(before - renderer.render(second)).max(axis=2) > 24


def pixel_of(point: np.ndarray) -> tuple[int, int]:
    x, y = Camera().project(point, WIDTH, HEIGHT)
    return round(float(x)), round(float(y))


def test_the_picture_is_bright_where_the_arm_is_and_dark_behind_it(renderer):
    picture = renderer.render(STATE)
    assert picture.shape == (HEIGHT, WIDTH, 3)
    x, y = pixel_of(tool_pose_in_ur_base(HOME_Q)[:3] + np.array([0.0, 0.0, 0.02]))
    assert picture[y, x].mean() > 90
    assert picture[5, 5].mean() < 60


def test_the_first_row_is_the_top(renderer):
    upper, lower = renderer.render(replace(STATE, q=np.array([0.0, -1.57, 0.0, 0.0, 0.0, 0.0])))[[5, -5]]
    assert lower.mean() > upper.mean() + 10  # the table is below


def test_the_arm_moves_in_the_picture_when_a_joint_moves(renderer):
    moved = changed(renderer, STATE, replace(STATE, q=HOME_Q + np.array([0.3, 0.0, 0.0, 0.0, 0.0, 0.0])))
    assert 0.02 < moved.mean() < 0.5


def test_the_same_state_gives_the_same_bytes(renderer):
    first = renderer.render(STATE).copy()
    renderer.render(replace(STATE, q=HOME_Q + 0.3))
    assert np.array_equal(first, renderer.render(STATE))


def test_the_picture_needs_no_new_memory(renderer):
    assert renderer.render(STATE) is renderer.render(STATE)


def test_the_ghost_shows_beside_the_arm_and_hides_in_it(renderer):
    apart = changed(renderer, STATE, replace(STATE, q_ghost=HOME_Q + np.array([0.3, 0.1, 0.0, 0.0, 0.0, 0.0])))
    assert apart.mean() > 0.01
    together = changed(renderer, STATE, replace(STATE, q_ghost=HOME_Q))
    assert together.mean() < 0.004


def test_traces_have_two_colours_and_lie_where_they_were_drawn(renderer):
    line = np.linspace([-0.45, -0.3, 0.2], [-0.45, 0.2, 0.2], 50)
    x, y = pixel_of(line[15])
    red, green, blue = renderer.render(replace(STATE, trace=line))[y, x].astype(int)
    assert min(green, blue) > red + 60
    red, green, blue = renderer.render(replace(STATE, ghost_trace=line))[y, x].astype(int)
    assert red > blue + 60


def test_a_missing_row_lifts_the_pen(renderer):
    line = np.linspace([-0.45, -0.3, 0.2], [-0.45, 0.2, 0.2], 51)
    line[20:31] = np.nan
    x, y = pixel_of(np.array([-0.45, -0.05, 0.2]))
    assert np.array_equal(renderer.render(STATE)[y, x], renderer.render(replace(STATE, trace=line))[y, x])


def test_target_and_forecast_are_drawn(renderer):
    pose = np.array([-0.45, -0.3, 0.25, 1.0, 0.0, 0.0, 0.0])
    assert changed(renderer, STATE, replace(STATE, target=pose)).sum() > 40
    curve = np.linspace(pose[:3], pose[:3] + np.array([0.0, 0.1, 0.1]), 26)
    assert changed(renderer, STATE, replace(STATE, forecast=curve)).sum() > 40


def test_an_object_is_drawn_where_it_is_pushed(renderer):
    pose = np.array([[-0.45, -0.25, 0.04, 1.0, 0.0, 0.0, 0.0]])
    x, y = pixel_of(pose[0, :3])
    red, green, _ = renderer.render(replace(STATE, object_poses=pose))[y, x].astype(int)
    assert red > 2 * green


def test_the_shadow_darkens_the_table_and_can_be_switched_off(renderer):
    lit, dark = [], []
    for shadow, rows in ((False, lit), (True, dark)):
        renderer.shadow = shadow
        rows.append(renderer.render(STATE).astype(int))
    darker = (lit[0] - dark[0]).mean(axis=2) > 12
    assert 0.01 < darker.mean() < 0.3
    assert (lit[0] - dark[0]).min() > -60  # nothing gets brighter but by smoothing


def test_what_stands_still_is_the_same_whatever_moved_before(renderer):
    still = renderer.render(STATE)[:, :40].copy()
    renderer.render(replace(STATE, q=np.array([2.0, -0.6, 0.4, 0.0, 0.0, 0.0]), object_poses=STATE.object_poses + 0.1))
    renderer.render(STATE)
    assert np.array_equal(still, renderer.render(STATE)[:, :40])


def test_the_size_changes_and_the_view_stays(renderer):
    small = renderer.render(STATE)[::2, ::2].astype(int)
    renderer.resize(1280, 720)
    large = renderer.render(STATE)[::4, ::4].astype(int)
    assert large.shape == small.shape
    assert np.abs(large - small).mean() < 6


def test_numbers_that_are_not_finite_spoil_one_picture_only(renderer):
    good = renderer.render(STATE).copy()
    renderer.render(replace(STATE, q=np.full(6, np.nan), q_ghost=np.full(6, np.inf), trace=np.full((9, 3), np.nan)))
    assert np.array_equal(good, renderer.render(STATE))


@pytest.mark.parametrize("size", [(641, 360), (32, 32), (640, 9999)])
def test_a_size_that_cannot_be_is_refused(renderer, size):
    with pytest.raises(ConfigError, match="given"):
        renderer.resize(*size)


def test_without_a_driver_the_packages_are_named(monkeypatch):
    monkeypatch.setattr(gl_context, "_GL_LIBRARIES", ("libGL-that-is-not-there.so",))
    with pytest.raises(MissingPartError, match="apt-get install -y libegl1"):
        Renderer(640, 360)


def test_camera_axes_are_a_rotation_and_agree_with_the_picture():
    camera = Camera()
    assert np.allclose(camera.view_to_base @ camera.view_to_base.T, np.eye(3))
    assert np.linalg.det(camera.view_to_base) == pytest.approx(1.0)
    middle = np.asarray(camera.look_at)
    centre, right, up = (
        camera.project(middle + step, WIDTH, HEIGHT) for step in (0.0, 0.05 * camera.right, 0.05 * camera.up)
    )
    assert centre == pytest.approx([WIDTH / 2, HEIGHT / 2])
    assert right[0] > centre[0]
    assert up[1] < centre[1]


def test_the_last_link_is_where_the_tool_is():
    q = np.array([0.4, -1.1, 1.3, -1.5, -1.2, 0.7])
    assert link_frames(q)[6, :3, 3] == pytest.approx(tool_pose_in_ur_base(q)[:3])


def test_the_meshes_meet_at_the_joints_and_face_outwards():
    links = load_links("full")
    assert len(links) == len(LINK_NAMES)
    assert 20_000 <= sum(len(m.triangles) for m in links) <= 40_000
    frames = link_frames(HOME_Q)
    tip = links[6].positions @ frames[6, :3, :3].T + frames[6, :3, 3]
    tool = tool_pose_in_ur_base(HOME_Q)
    axis = frames[6, :3, 2]
    assert ((tip - tool[:3]) @ axis).max() == pytest.approx(0.0, abs=5e-4)  # the flange's face
    for link in links:
        a, b, c = (link.positions[link.triangles[:, k]].astype(float) for k in range(3))
        volume = np.einsum("ij,ij->", a, np.cross(b, c)) / 6.0
        assert volume > 0.0


def test_the_objects_of_the_scene_are_found_in_order():
    objects = read_scene_objects(asset_path("scenes", "table.xml"))
    assert [o.kind for o in objects] == ["box", "box", "box", "cylinder", "sphere"]
    assert objects[4].size == (0.03,)
