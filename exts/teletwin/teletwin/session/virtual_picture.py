"""Pictures that are never drawn, for loops on a virtual clock: they take time and bytes as drawn ones do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from teletwin.messages import ViewSettings
from teletwin.view import SceneState
from teletwin.view.scene_codec import pack_scene


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureTimes:
    """How long pictures take where none are drawn; medians of the live loop at 640x360."""

    draw_ms: float = 18.0
    encode_ms: float = 2.0
    decode_draw_ms: float = 5.0


class TimedPicture:
    """A picture that only takes time, always the same."""

    def __init__(self, times: PictureTimes) -> None:
        self._times = times
        self.compute_share, self.costs = 1.0, None

    def make(
        self, state: SceneState, *, frame_id: int, input_seq: int, force_key: bool
    ) -> tuple[bytes, bool, dict[str, float]]:
        """Nothing drawn; `virtual` is the time to add to the clock."""
        draw_ms, encode_ms = self._times.draw_ms / self.compute_share, self._times.encode_ms / self.compute_share
        return bytes(4000), force_key, {"draw": draw_ms, "encode": encode_ms, "virtual": draw_ms + encode_ms}

    def stepped(self, measured_ms: float, steps: int) -> float:
        """Steps take no time."""
        return measured_ms

    def apply(self, settings: ViewSettings) -> None:
        """Nothing to change."""

    def pressed(self, is_late: bool) -> None:
        """Nothing to drop."""


class StatePicture(TimedPicture):
    """A state in a picture's place, packed as the live one is."""

    def make(
        self, state: SceneState, *, frame_id: int, input_seq: int, force_key: bool
    ) -> tuple[bytes, bool, dict[str, float]]:
        """The state's bytes, at once."""
        return pack_scene(state), True, {}


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureCosts:
    """What pictures cost by their settings: fits of the software renderer and of x264 with a rate buffer of one frame.

    Deliberately not the costs that the ladder believes in: an allocator must find them.
    """

    corners_ms: float = 5.0
    """Whatever the size."""
    pixels_ms: float = 6.0
    """At 640x360."""
    shadow_ms: float = 7.0
    encode_ms: float = 2.0
    """At 640x360."""
    step_ms: float = 0.25
    """A physics step of the shown world."""
    key_factor: float = 1.5
    """Size of a key frame over that of another."""
    size_noise: float = 0.1
    """Standard deviation of a picture's size over the one asked for."""
    time_noise: float = 0.1
    """The same of the time it takes."""


class CostedPicture:
    """A picture that takes the time and has the size that its settings ask for; seeded."""

    def __init__(self, settings: ViewSettings, *, seed: int = 0, costs: PictureCosts | None = None) -> None:
        self.settings, self._costs = settings, costs or PictureCosts()
        self._rng = np.random.default_rng(np.random.SeedSequence((seed, 6)))
        self._physics_ms = 0.0
        self.compute_share, self.costs = 1.0, None

    def make(
        self, state: SceneState, *, frame_id: int, input_seq: int, force_key: bool
    ) -> tuple[bytes, bool, dict[str, float]]:
        """Bytes without meaning; `virtual` is the time to add to the clock, that of physics with it."""
        settings, costs = self.settings, self._costs
        pixels = settings.width * settings.height / (640 * 360)
        size_draw, time_draw = self._rng.standard_normal(2).clip(-2.0, 2.0).tolist()
        slow = (1.0 + costs.time_noise * time_draw) / self.compute_share
        draw_ms = slow * (costs.corners_ms + costs.pixels_ms * pixels + costs.shadow_ms * settings.shadow)
        encode_ms = slow * costs.encode_ms * pixels
        byte_count = settings.bitrate_bps / settings.rate_hz / 8.0 * (1.0 + costs.size_noise * size_draw)
        byte_count *= costs.key_factor if force_key else 1.0
        virtual_ms, self._physics_ms = draw_ms + encode_ms + self._physics_ms, 0.0
        return bytes(int(byte_count)), force_key, {"draw": draw_ms, "encode": encode_ms, "virtual": virtual_ms}

    def stepped(self, measured_ms: float, steps: int) -> float:
        """What the steps take [ms]; the next picture is ready so much later."""
        self._physics_ms = steps * self._costs.step_ms / self.compute_share
        return self._physics_ms

    def apply(self, settings: ViewSettings) -> None:
        """Take another size, rate or bitrate."""
        self.settings = settings

    def pressed(self, is_late: bool) -> None:
        """The allocator decides about shadows."""
