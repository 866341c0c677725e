"""Kit events: heard until their guard is closed."""

from __future__ import annotations

import pytest
from fake import FakeKit

pytest.importorskip("pxr", reason="usd-core is not installed")


def test_every_event_arrives_until_its_guard_is_closed(fake: FakeKit) -> None:
    from teletwin.kit import events

    heard: list[object] = []
    guards = [
        events.on_update(lambda: heard.append("update")),
        events.on_new_frame(lambda event: heard.append("frame")),
        events.on_timeline(heard.append),
        events.on_stage(heard.append),
        events.on_physics_ready(lambda: heard.append("ready")),
        events.on_physics_step(lambda dt_s: heard.append(dt_s)),
    ]
    fake.timeline.play()
    fake.turn(dt_s=0.004, steps=2)
    assert heard == ["play", "update", "ready", 0.004, 0.004, "frame"]
    heard.clear()
    fake.timeline.pause()
    fake.timeline.stop()
    fake.context.open()
    assert heard == ["pause", "stop", "closing", "opened"]
    heard.clear()
    for guard in guards:
        guard.close()
        guard.close()  # twice is once
    fake.timeline.play()
    fake.turn()
    assert heard == []
    guards.clear()
    assert fake.leftovers() == []


def test_a_bound_method_stays_called_although_the_host_holds_it_weakly(fake: FakeKit) -> None:
    from teletwin.kit import events

    class Counter:
        count = 0

        def step(self, dt_s: float) -> None:
            Counter.count += 1

    guard = events.on_physics_step(Counter().step)
    fake.timeline.play()
    fake.turn(steps=3)
    assert Counter.count == 3
    guard.close()
