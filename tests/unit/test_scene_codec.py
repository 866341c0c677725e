"""A state that pages draw by themselves says the same on both sides, or is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from teletwin.errors import MessageError
from teletwin.messages import SCENE_CODEC, Frame, ViewSettings
from teletwin.session.picture import LivePicture
from teletwin.view import SceneState
from teletwin.view.scene_codec import is_state, pack_scene, pack_state, unpack_scene, unpack_state
from teletwin.view.server_messages import pack_frame
from teletwin.view.server_viewers import UNACKED_MAX, PackedFrame, Viewers

NOTHING = np.zeros((0, 3))
POSE = np.array([0.1, 0.2, 0.3, 1.0, 0.0, 0.0, 0.0])
FULL = SceneState(
    q=np.linspace(-3.0, 3.0, 6),
    q_ghost=np.linspace(-2.0, 2.0, 6),
    q_without=np.linspace(-1.0, 1.0, 6),
    object_poses=np.tile(POSE, (5, 1)),
    target=POSE + 0.01,
    forecast=None,
    trace=NOTHING,
    ghost_trace=NOTHING,
    held_links=(0, 3, 6),
    horizon_s=0.12,
    ahead_s=0.03,
    ghost_age_s=0.004,
)
BARE = replace(FULL, q_ghost=None, q_without=None, target=None, object_poses=np.zeros((0, 7)), held_links=())
FRAME = Frame(
    frame_id=70_000,
    codec=SCENE_CODEC,
    is_key=True,
    width=640,
    height=360,
    input_seq=12,
    pose_t_ns=1,
    shown_pose=POSE,
    shadow_poses=np.tile(POSE, (2, 1)),
    horizon_used_s=0.1,
    stages_ms={},
    t_ready_ns=5,
    data=pack_scene(FULL),
)


@pytest.mark.parametrize("state", [FULL, BARE, replace(FULL, q_ghost=None), replace(FULL, target=None)])
def test_a_state_comes_out_as_it_went_in(state: SceneState) -> None:
    again = unpack_scene(pack_scene(state))
    for name in ("q", "q_ghost", "q_without", "object_poses", "target", "horizon_s", "ahead_s", "ghost_age_s"):
        before, after = getattr(state, name), getattr(again, name)
        assert (before is None) == (after is None)
        if before is not None:
            np.testing.assert_allclose(after, before, atol=2e-5)
    assert again.held_links == state.held_links


def test_a_state_is_small_and_its_message_says_when_and_what_it_holds() -> None:
    message = pack_state(FRAME, t_ready_ns=1_500_000)
    assert len(message) < 260
    assert unpack_state(message) == (70_000, 12, 1.5, FRAME.data)
    assert is_state(message)
    assert not is_state(pack_frame(FRAME))


def test_what_is_cut_longer_or_not_finite_is_refused() -> None:
    data = pack_scene(FULL)
    for bad in (
        b"",
        data[:10],
        data[:-1],
        data + b"\0",
        b"\1" + data[1:],
        pack_scene(replace(FULL, q=FULL.q * np.nan)),
    ):
        with pytest.raises(MessageError):
            unpack_scene(bad)
    for bad in (b"", b"TTS1", b"TTS2" + data):
        with pytest.raises(MessageError):
            unpack_state(bad)


def test_a_picture_that_pages_draw_is_the_state_and_another_codec_draws_here_again() -> None:
    with LivePicture(ViewSettings(width=320, height=180, codec=SCENE_CODEC), objects=()) as picture:
        data, is_key, stages = picture.make(BARE, frame_id=1, input_seq=1, force_key=False)
        assert (data, is_key, stages) == (pack_scene(BARE), True, {})
        picture.apply(ViewSettings(width=640, height=360))
        assert picture.make(BARE, frame_id=2, input_seq=1, force_key=True)[0][:4] == b"\0\0\0\1"


def test_a_viewer_gets_the_newest_state_and_the_drivers_others_are_given_back() -> None:
    lost: list[int] = []
    viewers = Viewers(on_lost=lambda number, _: lost.append(number), on_need_key=lambda _: None)
    driver = viewers.add()
    viewers.add()
    viewers.let_drive(driver.number)
    for number in range(1, 4):
        viewers.send_frame(PackedFrame(frame_id=number, stands_alone=True, message=b"%d" % number, is_state=True), 0)
    assert lost == [1, 2]
    assert [viewer._state.message for viewer in viewers if viewer._state] == [b"3", b"3"]
    assert list(driver.unacked) == [3]


def test_a_viewer_that_takes_nothing_owes_no_more_states_than_pictures() -> None:
    viewers = Viewers(on_lost=lambda *_: None, on_need_key=lambda _: None)
    viewer = viewers.add()
    for number in range(40):
        viewers.send_frame(PackedFrame(frame_id=number, stands_alone=True, message=b"", is_state=True), 0)
        viewer._state = None  # sent
    assert len(viewer.unacked) == UNACKED_MAX
