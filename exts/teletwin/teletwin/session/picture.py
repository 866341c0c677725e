"""Pictures for the live loop: drawn, marked and encoded, with the time of each stage."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Sequence
from types import TracebackType

import numpy as np

from teletwin.clock import SystemClock
from teletwin.messages import SCENE_CODEC, ViewSettings
from teletwin.robot.ur3e import HOME_Q
from teletwin.session.allocation.ladder import MeasuredCosts, Rung
from teletwin.session.slowdown import lengthen
from teletwin.sim.mujoco_world import WorldObject
from teletwin.view import SceneState
from teletwin.view.barcode import write_barcode
from teletwin.view.encoder import Encoder
from teletwin.view.rate_in_place import rates_can_change_in_place
from teletwin.view.renderer import Renderer, SceneObject
from teletwin.view.scene_codec import pack_scene

_LATE_FRAMES = 15
_TRIES = 5
"""The first picture of a size takes longer, and others may be disturbed: the quickest counts."""
_NOWHERE = np.zeros((0, 3))
_HOME = SceneState(
    q=HOME_Q,
    q_ghost=None,
    object_poses=np.zeros((0, 7)),
    target=None,
    forecast=None,
    trace=_NOWHERE,
    ghost_trace=_NOWHERE,
)
_SIZES = {"box": 3, "cylinder": 2, "sphere": 1}
"""Numbers that describe each shape."""


class LivePicture:
    """A renderer and an encoder; drops the shadow when the machine cannot hold the rate."""

    def __init__(self, settings: ViewSettings, *, objects: Sequence[WorldObject]) -> None:
        self._settings = settings
        self._objects = [SceneObject(kind=o.kind, size=o.size[: _SIZES[o.kind]], colour=o.colour) for o in objects]
        self._late_count = 0
        self._costs: dict[tuple[int, int, bool], float] = {}
        self._clock = SystemClock()
        self.compute_share = 1.0
        """Imitate a machine that takes this much longer, by waiting; 1 takes what it takes."""

    def __enter__(self) -> LivePicture:
        settings = self._settings
        self._renderer = Renderer(settings.width, settings.height, shadow=settings.shadow, objects=self._objects)
        self._renderer.__enter__()
        self._encoder = Encoder(settings if settings.codec != SCENE_CODEC else None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._renderer.__exit__(kind, error, trace)

    def make(
        self, state: SceneState, *, frame_id: int, input_seq: int, force_key: bool
    ) -> tuple[bytes, bool, dict[str, float]]:
        """Draw and encode one picture; where pages draw, pack what it would show."""
        if self._settings.codec == SCENE_CODEC:
            return pack_scene(state), True, {}
        start_s = time.perf_counter()
        rgb = self._renderer.render(state)
        if self._settings.barcode:
            write_barcode(rgb, frame_id=frame_id, input_seq=input_seq)
        self._lengthen(time.perf_counter() - start_s)
        drawn_s = time.perf_counter()
        encoded = self._encoder.encode(rgb, frame_id=frame_id, force_key=force_key)
        self._lengthen(time.perf_counter() - drawn_s)
        ready_s = time.perf_counter()
        stages = {"draw": 1e3 * (drawn_s - start_s), "encode": 1e3 * (ready_s - drawn_s)}
        return encoded.data, encoded.is_key, stages

    def stepped(self, measured_ms: float, steps: int) -> float:
        """Physics took so long; longer on a slower machine [ms]."""
        start_s = time.perf_counter()
        self._lengthen(1e-3 * measured_ms)
        return measured_ms + 1e3 * (time.perf_counter() - start_s)

    def _lengthen(self, work_s: float) -> None:
        lengthen(work_s, self.compute_share, self._clock)

    def prepare(self, rungs: Iterable[Rung]) -> None:
        """Draw and encode some pictures of each kind on the ladder: no later change costs one, and costs are known."""
        asked = self._settings
        drawn_here = asked if asked.codec != SCENE_CODEC else dataclasses.replace(asked, codec=ViewSettings().codec)
        rates_can_change_in_place()
        for width, height, shadow in dict.fromkeys((rung.width, rung.height, rung.shadow) for rung in rungs):
            self.apply(dataclasses.replace(drawn_here, width=width, height=height, shadow=shadow))
            self._costs[width, height, shadow] = min(self._tried_ms(number) for number in range(_TRIES))
        self.apply(asked)

    def _tried_ms(self, number: int) -> float:
        stages = self.make(_HOME, frame_id=0, input_seq=0, force_key=number == 0)[2]
        return stages["draw"] + stages["encode"]

    @property
    def view(self) -> ViewSettings:
        """What is drawn and encoded now."""
        return self._settings

    @property
    def costs(self) -> MeasuredCosts:
        """What `prepare` found [ms]."""
        return self._costs

    def apply(self, settings: ViewSettings) -> None:
        """Take another size, rate, codec or bitrate.

        Raises:
            ConfigError: The encoder cannot take these; nothing has changed.
        """
        if settings.codec == SCENE_CODEC:
            self._settings = settings
            return
        self._encoder.configure(settings)
        if (settings.width, settings.height) != (self._renderer.width, self._renderer.height):
            self._renderer.resize(settings.width, settings.height)
        self._renderer.shadow = settings.shadow
        self._settings = settings
        self._late_count = 0

    def pressed(self, is_late: bool) -> None:
        """Drop the shadow after half a second of late pictures; it stays off until the view is set anew."""
        self._late_count = self._late_count + 1 if is_late else max(self._late_count - 1, 0)
        if self._late_count > _LATE_FRAMES:
            self._renderer.shadow = False
