"""A session on a virtual clock whose twin and renderer live in the stand-in for Kit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from fake import EXT_ID, FakeKit

from teletwin.messages import Frame, JointCommand
from teletwin.session.config import SessionCfg
from teletwin.session.virtual import VirtualSession

PHYSICS_HZ = 250.0
SETTINGS: dict[str, Any] = {
    "role": "twin",
    "physics_rate_hz": PHYSICS_HZ,
    "robot_usd": "teletwin",
}


def write_recording(path: Path, *, duration_s: float = 12.0) -> Path:
    """A recorded hand in TUM text: a lying eight with a turn of the wrist."""
    t = np.arange(0.0, duration_s, 0.01)
    x, y = 0.06 * np.sin(2.1 * t), 0.05 * np.sin(4.2 * t)
    half = 0.15 * np.sin(1.3 * t)
    rows = np.stack([t, x, y, 0.02 * np.cos(1.7 * t), 0 * t, 0 * t, np.sin(half), np.cos(half)], axis=1)
    path.write_text("\n".join(" ".join(f"{value:.9f}" for value in row) for row in rows))
    return path


def session_cfg(hand: Path) -> SessionCfg:
    """The settings of both sessions, Kit's and the embedded one."""
    return SessionCfg(hand=str(hand), control_rate_hz=PHYSICS_HZ, width=640, height=360, rate_hz=30.0)


class CommandLog:
    """The joint commands that the arm received."""

    def __init__(self) -> None:
        self.commands: list[JointCommand] = []

    def __call__(self, role: str, message: Any, t_log_ns: int, t_sent_ns: int) -> None:
        if role.startswith("arm") and isinstance(message, JointCommand):
            self.commands.append(message)

    def joints(self) -> np.ndarray:
        """(n, 13): when, q, qd."""
        return np.array([[c.t_ns * 1e-9, *c.q, *c.qd] for c in self.commands])


class _NoRenderer:
    """Kit renders; the virtual session's own renderer is out."""

    def pump(self, now_ns: int) -> None:
        return None

    def wants_frame(self, now_ns: int) -> bool:
        return False


class KitSession(VirtualSession):
    """Operator and arm as ever; each tick of the twin is a turn of Kit with one physics step."""

    def __init__(self, fake: FakeKit, session: SessionCfg) -> None:
        self.log = CommandLog()
        self.frames: list[Frame] = []
        super().__init__(session, log=self.log)
        self._fake = fake
        self.steps_per_turn = 1
        self.work_s: float | None = None
        """What a turn of Kit takes [s], with Kit's own run loop; None for a turn a tick, whatever Kit's settings."""
        self._turned_ns = self._due_ns = 0
        self.twin = self  # type: ignore[assignment]
        self.renderer = _NoRenderer()  # type: ignore[assignment]

    def tick(self, now_ns: int) -> None:
        """A turn of Kit instead of the embedded twin's tick."""
        if self.work_s is None:
            self._fake.turn(dt_s=1.0 / PHYSICS_HZ, steps=self.steps_per_turn)
        elif now_ns >= self._due_ns:
            passed_s, self._turned_ns = 1e-9 * (now_ns - (self._turned_ns or now_ns)), now_ns
            self._fake.update(passed_s)
            self._due_ns = max(self._due_ns, now_ns - 1_000_000) + round(1e9 * self._fake.pacing.turn_s(self.work_s))

    def at_its_own_pace(self, work_s: float) -> None:
        """From now on Kit's run loop turns as its settings have it, each turn's work taking work_s [s]."""
        self.work_s, self._period_ns = work_s, 1_000_000

    def _frame_arrived(self, frame: Frame) -> None:
        self.frames.append(frame)
        super()._frame_arrived(frame)

    def surroundings(self) -> Any:
        """What the extension takes from outside: this clock, these links, no threads."""
        from teletwin.kit.build import InlineExecutor
        from teletwin.kit.twin_app import Surroundings

        links = self.links["twin"], self.links["renderer"]
        return Surroundings(clock=self.clock, open_links=lambda *_: links, executor=InlineExecutor)


def started(fake: FakeKit, surroundings: Callable[[], Any] | None) -> Any:
    """The extension, started as Kit starts it; its links and clock are those given."""
    extension = fake.extension()
    extension.surroundings = surroundings() if surroundings is not None else None
    extension.on_startup(EXT_ID)
    return extension


def turns_until(fake: FakeKit, met: Callable[[], bool], *, most: int = 4000) -> None:
    """Turn Kit's loop, without physics, until something is so; kernels may be compiled on a thread meanwhile."""
    for turn in range(most):
        if met():
            return
        fake.turn(steps=0)
        if turn > 50:
            time.sleep(0.01)
    raise AssertionError("it did not come to be")


def running(fake: FakeKit, surroundings: Callable[[], Any] | None = None) -> Iterator[Any]:
    """The app of a started extension with its session running; shut down afterwards."""
    extension = started(fake, surroundings)
    extension._app.start()
    turns_until(fake, lambda app=extension._app: app.state != "starting")
    fake.turn(steps=0)
    yield extension._app
    extension.on_shutdown()
