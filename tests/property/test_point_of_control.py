"""Control of the arm never changes by accident: whatever drops, comes back, asks, or falls silent, in any order."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from teletwin.clock import NS_PER_S
from teletwin.view.control import ASK_NS, SILENCE_NS, ControlChange, ControlError, PointOfControl

SEATS = 3
"""People; each has a page, whose number is another one after each drop."""
HOUR_NS = 3600 * NS_PER_S

STEP = st.tuples(st.integers(0, SEATS - 1), st.integers(0, 2_500))
"""Who, and how many milliseconds later."""
DROPS = st.lists(STEP, min_size=1, max_size=60)
ACTS = st.sampled_from(["drop", "take", "ask", "give", "keep", "release", "take_back", "speak", "rest"])


class Room:
    """People with pages, and every change of control with what came right before it."""

    def __init__(self) -> None:
        self.control, self.now_ns = PointOfControl(), 1
        self.seats = [0] * SEATS
        self.next_number = 1
        self.changes: list[tuple[str, int, ControlChange]] = []
        for seat in range(SEATS):
            self.connect(seat)

    def connect(self, seat: int) -> None:
        self.seats[seat], self.next_number = self.next_number, self.next_number + 1
        self.note("come", self.seats[seat], self.control.come(self.seats[seat], self.now_ns))

    def drop(self, seat: int) -> None:
        self.note("leave", self.seats[seat], self.control.leave(self.seats[seat], self.now_ns))
        self.connect(seat)

    def note(self, act: str, viewer: int, change: ControlChange | None) -> None:
        if change is not None:
            self.changes.append((act, viewer, change))

    def pass_time(self, span_ns: int, *, engaged: bool, speaks: bool = True) -> None:
        end_ns = self.now_ns + span_ns
        while self.now_ns < end_ns:
            self.now_ns = min(self.now_ns + NS_PER_S, end_ns)
            for viewer in self.seats if speaks else ():
                self.control.hear(viewer, self.now_ns)
            asker = self.control.asked_by
            self.note("look", asker, self.control.look(self.now_ns, is_engaged=engaged).change)

    def act(self, name: str, seat: int, other: int, *, may: bool) -> None:
        viewer, control = self.seats[seat], self.control
        calls = {
            "take": lambda: control.take(viewer, self.now_ns),
            "ask": lambda: control.ask(viewer, self.now_ns),
            "give": lambda: control.give(viewer, self.seats[other], self.now_ns),
            "keep": lambda: (control.keep(viewer, self.now_ns), None)[1],
            "release": lambda: control.release(viewer, self.now_ns),
            "take_back": lambda: control.take_back(viewer, self.now_ns, may=may),
        }
        try:
            self.note(name, viewer, calls[name]())
        except ControlError:
            return


@settings(max_examples=25, deadline=None)
@given(DROPS)
def test_an_hour_of_drops_gives_control_to_nobody(drops: list[tuple[int, int]]) -> None:
    room, index = Room(), 0
    while room.now_ns < HOUR_NS:
        seat, wait_ms = drops[index % len(drops)]
        room.pass_time((wait_ms + 1_000) * 1_000_000, engaged=True)
        room.drop(seat)
        index += 1
    assert [change.why for _, _, change in room.changes] in (["began"], ["began", "left"])
    assert room.control.driver in (0, room.changes[0][2].driver)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(ACTS, STEP, st.integers(0, SEATS - 1), st.booleans(), st.booleans()), max_size=80))
def test_control_passes_only_to_who_asked_for_it_or_was_given_it(
    acts: list[tuple[str, tuple[int, int], int, bool, bool]],
) -> None:
    room = Room()
    for name, (seat, wait_ms), other, engaged, may in acts:
        if name == "drop":
            room.drop(seat)
        elif name in ("speak", "rest"):
            room.pass_time(20 * wait_ms * 1_000_000, engaged=engaged, speaks=name == "speak")
        else:
            room.act(name, seat, other, may=may)
        assert room.control.driver in (0, *room.seats), "who is gone drives no more"
    assert [change.why for _, _, change in room.changes].count("began") == 1
    for (act, viewer, change), (_, _, before) in zip(room.changes[1:], room.changes, strict=False):
        assert change.before == before.driver, "one holder at a time"
        if change.driver:
            own_act = act in ("take", "ask", "take_back") and viewer == change.driver
            given = act == "give" and viewer == change.before
            unanswered = act == "look" and viewer == change.driver and change.why == "timed out"
            assert own_act or given or unanswered
            if act in ("take", "ask"):
                assert not change.before, "from who drives it is taken by an administrator alone"


def test_an_unanswered_question_passes_control_only_while_the_arm_is_not_engaged() -> None:
    for engaged in (True, False):
        room = Room()
        room.act("ask", 1, 0, may=False)
        room.pass_time(ASK_NS - 1, engaged=engaged)
        assert room.control.driver == 1
        room.pass_time(NS_PER_S, engaged=engaged)
        assert room.control.driver == (1 if engaged else 2)
        room.pass_time(ASK_NS, engaged=False)
        assert room.control.driver == (1 if engaged else 2), "an old question comes to nothing"


def test_a_silent_driver_is_told_once_and_drives_no_more_after_ten_seconds() -> None:
    control = PointOfControl()
    control.come(1, 0)
    told = [control.look(ms * 1_000_000, is_engaged=True) for ms in range(0, SILENCE_NS // 1_000_000, 250)]
    assert [index * 0.25 for index, news in enumerate(told) if news.is_quiet] == [2.0]
    assert control.driver == 1
    news = control.look(SILENCE_NS, is_engaged=True)
    assert news.change == ControlChange(driver=0, before=1, why="timed out")
    control.hear(1, SILENCE_NS + 1)
    assert control.driver == 0, "who wakes up must ask"


def test_who_was_turned_down_waits_before_asking_again() -> None:
    room = Room()
    room.act("ask", 1, 0, may=False)
    assert room.control.asked_by == 2
    room.act("keep", 0, 0, may=False)
    room.act("ask", 1, 0, may=False)
    assert room.control.asked_by == 0
    room.pass_time(ASK_NS, engaged=True)
    room.act("ask", 1, 0, may=False)
    assert room.control.asked_by == 2
