"""A tick of the twin in Kit copies no more between numpy and warp than a tick of the embedded twin."""

from __future__ import annotations

import collections
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake import kit
from kit_session import PHYSICS_HZ, SETTINGS, KitSession, running, session_cfg, write_recording

from teletwin.session.virtual import VirtualSession
from teletwin.warp_runtime import load_warp

pytest.importorskip("pxr", reason="usd-core is not installed")
WARM_UP_S, COUNTED_S = 1.5, 1.0
TICKS = COUNTED_S * PHYSICS_HZ
_OF_PRIMS = (
    "get_dof_positions",
    "get_dof_velocities",
    "set_dof_positions",
    "set_dof_velocities",
    "set_dof_position_targets",
    "set_dof_velocity_targets",
)


class Traffic:
    """Counts what copies between numpy and warp, or makes an array of either from the other."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.counts: collections.Counter[str] = collections.Counter()
        self.is_counting = False
        warp = load_warp()
        self._patch, self._array = monkeypatch, warp.array
        for name in ("__init__", "assign", "numpy", "list", "fill_", "zero_"):
            self._count(warp.array, name)
        for name in ("copy", "clone", "from_numpy", "zeros", "empty", "full"):
            self._count(warp, name)

    def _count(self, owner: Any, name: str) -> None:
        original = getattr(owner, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            self.counts[name] += self.is_counting
            return original(*args, **kwargs)

        self._patch.setattr(owner, name, counted)

    def watch_prims(self, articulation: Any) -> None:
        """Count what Isaac's prims make warp arrays of: every argument that is none."""
        for name in _OF_PRIMS:
            original = getattr(type(articulation), name)

            def counted(*args: Any, _original: Any = original, _name: str = name, **kwargs: Any) -> Any:
                foreign = [each for each in (*args[1:], *kwargs.values()) if not isinstance(each, self._array)]
                self.counts[f"prims: {_name}"] += self.is_counting * len(foreign)
                return _original(*args, **kwargs)

            self._patch.setattr(type(articulation), name, counted)

    @contextlib.contextmanager
    def counting(self) -> Iterator[None]:
        self.counts.clear()
        self.is_counting = True
        yield
        self.is_counting = False


@pytest.fixture
def traffic(monkeypatch: pytest.MonkeyPatch) -> Traffic:
    return Traffic(monkeypatch)


@pytest.fixture
def hand(tmp_path: Path) -> Path:
    return write_recording(tmp_path / "eight.tum", duration_s=6.0)


@pytest.fixture
def embedded(traffic: Traffic, hand: Path) -> collections.Counter[str]:
    """What the session with the embedded twin copies in the same time, by kind."""
    session = VirtualSession(session_cfg(hand))
    session.run(WARM_UP_S)
    with traffic.counting():
        session.run(COUNTED_S)
    return traffic.counts.copy()


@pytest.mark.parametrize("version", ["5.1", "6.0"])
def test_a_tick_in_kit_copies_nothing_that_the_embedded_twins_does_not(
    version: str, hand: Path, traffic: Traffic, embedded: collections.Counter[str]
) -> None:
    with kit(version, settings=SETTINGS) as fake:
        session = KitSession(fake, session_cfg(hand))
        for app in running(fake, session.surroundings):
            session.run(WARM_UP_S)
            assert len(fake.physics.arms) == 1
            traffic.watch_prims(fake.physics.arms[0])
            steps, commands = fake.physics.step_count, len(session.log.commands)
            with traffic.counting():
                session.run(COUNTED_S)
            assert app.state == "running"
            assert fake.physics.step_count - steps == pytest.approx(TICKS, abs=2)
            assert len(session.log.commands) - commands == pytest.approx(TICKS, abs=5)
            more = {name: n for name, n in traffic.counts.items() if n > embedded[name]}
            assert not more, f"{more} in {TICKS:.0f} ticks; the embedded twin: {dict(embedded)}"


def test_what_is_counted_is_seen(traffic: Traffic) -> None:
    wp = load_warp()
    with traffic.counting():
        array = wp.array(np.zeros(3), dtype=wp.float64, device="cpu")
        array.assign(np.ones(3))
        assert array.numpy().sum() == 3.0
    assert traffic.counts["__init__"] >= 1
    assert traffic.counts["assign"] == 1
    assert traffic.counts["numpy"] >= 1
    traffic.counts.clear()
    wp.zeros(3, dtype=wp.float64, device="cpu")
    assert not +traffic.counts
