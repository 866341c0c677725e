"""What the page wishes for while a session runs: other pictures, a recording; what cannot be changes nothing."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from made_desk import made_desk

from teletwin.clock import NS_PER_S, SystemClock, VirtualClock
from teletwin.errors import ConfigError
from teletwin.link import Received
from teletwin.messages import Mode, PoseSample, ViewSettings
from teletwin.recording import read_log
from teletwin.session.log import Recorder, role_path
from teletwin.session.operator import OperatorState
from teletwin.session.renderer import RendererLoop
from teletwin.session.role_cfg import RoleCfg
from teletwin.view.server_messages import PageEvent

SAMPLE = PoseSample(t_ns=1, pose=np.array([0.3, 0.1, 0.2, 1.0, 0.0, 0.0, 0.0]))


def desk_and_views():
    state = OperatorState()
    loop, views = SimpleNamespace(state=state, press=state.intent.press), []
    wishes = made_desk(loop, set_view=views.append)
    return wishes, loop.state, views


def view_event(**values):
    return PageEvent(kind="settings", values={"name": "view", "values": values}, viewer=1, t_ns=0, received_ns=0)


def test_a_picture_that_the_encoder_cannot_take_is_refused_with_a_word_on_the_page():
    wishes, state, views = desk_and_views()
    wishes.put(view_event(width=333.0, height=221.0))
    wishes.work()
    assert views == []
    assert "given: 333x221" in state.warnings[0]
    wishes.put(view_event(width=1280.0, height=720.0))
    wishes.work()
    assert [(view.width, view.height) for view in views] == [(1280, 720)]


def test_a_view_that_cannot_be_drawn_leaves_the_renderer_as_it_was():
    asked = []

    def apply(settings):
        asked.append(settings)
        if settings.width % 2:
            raise ConfigError("a picture of this size", given=settings.width)

    arriving = [
        Received(message=replace(ViewSettings(), width=width), peer="operator", seq=k, t_sent_ns=0, t_arrived_ns=0)
        for k, width in enumerate((333, 320))
    ]
    loop = RendererLoop(
        clock=VirtualClock(),
        link=SimpleNamespace(receive=lambda: [arriving.pop(0)]),  # pyright: ignore[reportArgumentType]
        rendering=SimpleNamespace(tick_s=0.004),  # pyright: ignore[reportArgumentType]
        picture=SimpleNamespace(apply=apply),  # pyright: ignore[reportArgumentType]
        settings=ViewSettings(),
        tool_pose=lambda q: q,
    )
    loop.pump(0)
    assert loop.settings.width == 640
    loop.pump(0)
    assert (loop.settings.width, len(asked)) == (320, 2)


@pytest.mark.parametrize("role", ["operator", "twin"])
def test_a_recording_that_is_ended_at_once_is_whole(tmp_path, role):
    path = tmp_path / "short.mcap"
    with Recorder(RoleCfg(role=role), SystemClock()) as recorder:
        recorder.start(str(path))
        recorder.end()
        recorder("operator", SAMPLE, 1, 1)
    assert recorder.fault == ""
    assert read_log(role_path(str(path), role)).complete


@pytest.mark.parametrize("name", ["file/new.mcap", "."])
def test_a_recording_that_cannot_be_written_says_why_and_is_off(tmp_path, name):
    (tmp_path / "file").write_text("x")
    with Recorder(RoleCfg(role="twin"), SystemClock()) as recorder:
        recorder.start(str(tmp_path / name) if name != "." else name)
    assert recorder.path == ""
    assert recorder.fault


def test_the_newest_warning_comes_first_and_none_stands_twice():
    state = OperatorState()
    for text in "abcdefag":
        state.warn(text)
    assert state.warnings == ("g", "a", "f", "e", "d")


def test_a_warning_passes_when_it_is_reported_no_more():
    clock = VirtualClock()
    state = OperatorState(now_ns=clock.now_ns)
    state.warn("once")
    state.warn("again and again")
    for seconds in (6, 12, 18):
        clock.sleep_until(seconds * NS_PER_S)
        state.warn("again and again")
        assert state.warnings[0] == "again and again"
    assert state.warnings == ("again and again",)
    clock.sleep_until(29 * NS_PER_S)
    assert state.warnings == ()


def test_who_comes_to_drive_late_is_still_told_how_the_session_was_started():
    desk, state, _ = desk_and_views()
    desk.standing = ("the policy was trained for something else",)
    changes = ({"driver": 0, "before": 1, "why": "left"}, {"driver": 3, "before": 0, "why": "taken"})
    for values, told in zip(changes, ((), desk.standing), strict=True):
        desk.put(PageEvent(kind="control", values=values, viewer=3, t_ns=0, received_ns=0))
        desk.work()
        assert state.warnings == told


def test_a_stop_on_its_own_lane_stops_once_and_a_repetition_undoes_nothing():
    desk, state, _ = desk_and_views()
    for again, mode in ((False, Mode.OFF), (True, Mode.ENGAGED)):
        state.intent.press(Mode.ENGAGED)
        desk.put(PageEvent(kind="stop", values={"number": 1, "again": again}, viewer=1, t_ns=0, received_ns=0))
        desk.heed_urgent()
        assert state.mode is mode
    assert list(desk.stops) == [1]


def test_another_driver_takes_engage_back_and_is_noted():
    desk, state, _ = desk_and_views()
    kept = []
    state.intent.audit = lambda kind, values: kept.append((kind, dict(values)))
    for driver, before, why in ((1, 0, "began"), (0, 1, "left"), (2, 0, "taken")):
        values = {"driver": driver, "before": before, "why": why}
        desk.put(PageEvent(kind="control", values=values, viewer=driver, t_ns=0, received_ns=0))
        desk.work()
        if driver == 1:
            state.intent.press(Mode.ENGAGED)
            state.intent.enable(5, is_held=True)
    assert state.mode is Mode.HOLD
    assert state.intent.enable_seq == 0
    assert state.intent.outage == "the page that drove has gone"
    assert [values.get("why") for kind, values in kept if kind == "control"] == ["began", "left", "taken"]


def test_letting_go_waits_behind_no_flood_and_an_old_button_counts_for_no_new_driver():
    desk, state, _ = desk_and_views()
    desk.put(PageEvent(kind="enable", values={"seq": 5, "held": True}, viewer=1, t_ns=0, received_ns=0))
    desk.heed_urgent()
    assert state.intent.enable_seq == 5
    for _ in range(3000):
        desk.put(view_event(rate_hz=30.0))
    desk.put(PageEvent(kind="command", values={"name": "engage", "values": {}}, viewer=1, t_ns=0, received_ns=3))
    desk.put(PageEvent(kind="enable", values={"seq": 6, "held": False}, viewer=1, t_ns=0, received_ns=4))
    desk.put(PageEvent(kind="control", values={"driver": 2, "why": "given"}, viewer=2, t_ns=0, received_ns=5))
    desk.heed_urgent()
    assert state.intent.enable_seq == 0
    desk.work()
    assert state.mode is Mode.HOLD, "what the one before has pressed is over"


def test_a_flood_of_the_page_drops_no_button_and_holds_no_stop_up():
    desk, state, _ = desk_and_views()
    state.intent.press(Mode.ENGAGED)
    for k in range(6000):
        desk.put(view_event(rate_hz=float(1 + k % 50)))
    button = PageEvent(kind="command", values={"name": "engage", "values": {}}, viewer=1, t_ns=0, received_ns=5)
    desk.put(button)
    assert desk.dropped_count > 1000
    desk.put(PageEvent(kind="stop", values={"number": 4}, viewer=2, t_ns=0, received_ns=9))
    desk.heed_urgent()
    assert state.mode is Mode.OFF
    desk.work()
    assert state.mode is Mode.OFF, "what was pressed before Stop is over"
    desk.put(replace(button, received_ns=12))
    desk.work()
    assert state.mode is Mode.ENGAGED


@pytest.mark.parametrize(
    ("name", "values", "note"),
    [
        ("squeeze", {"bandwidth_mbps": 1.5}, {"bandwidth_mbps": 1.5, "compute_share": 1.0}),
        ("squeeze", {"compute_share": 0.33}, {"bandwidth_mbps": 0.0, "compute_share": 0.33}),
        ("allocator", {"name": "equal"}, {"name": "equal"}),
    ],
)
def test_a_squeeze_and_an_allocator_of_the_page_are_told_to_every_role(name, values, note):
    desk, _, _ = desk_and_views()
    notes = []
    desk._notify = notes.append
    desk.put(PageEvent(kind="settings", values={"name": name, "values": values}, viewer=1, t_ns=0, received_ns=0))
    desk.work()
    assert [(said.kind, said.values) for said in notes] == [(name, note)]
