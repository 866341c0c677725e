"""The whole loop on a virtual clock with states in place of pictures: nothing waits for a page that is slow."""

from __future__ import annotations

from virtual_trace import TracedSession

from teletwin.messages import SCENE_CODEC
from teletwin.session.config import NetworkCfg, SessionCfg
from teletwin.session.virtual_picture import PictureTimes, StatePicture
from teletwin.view.scene_codec import unpack_scene

SLOW_PAGE = PictureTimes(draw_ms=0.0, encode_ms=0.0, decode_draw_ms=400.0)


def test_states_come_at_their_rate_however_slow_the_page_is():
    session = SessionCfg(view="drawn", network=NetworkCfg(delay_ms=30))
    traced = TracedSession(session, picture=StatePicture(SLOW_PAGE), pictures=SLOW_PAGE)
    traced.run(3.0)
    arrived = [frame for frame in traced.frames if frame.data]
    assert {frame.codec for frame in arrived} == {SCENE_CODEC}
    assert len(arrived) > 70  # 30 a second from when the arm is known
    states = [unpack_scene(frame.data) for frame in arrived]
    assert states[-1].q_ghost is not None
    assert states[-1].q_without is not None
    assert max(state.ahead_s for state in states) > 0.2  # the way to that screen was learned
    assert traced.virtual.operator.gate.lost_count == 0
