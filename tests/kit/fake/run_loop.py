"""omni.kit.loop, Isaac's run loop: how long a turn takes on the wall, and how much time it hands on."""

from __future__ import annotations

from fake.core import SettingsStore
from fake.strict import Strict

LOOP = "/app/runLoops/main"
FIXED_STEPPING = "/app/player/useFixedTimeStepping"
SETTINGS = {
    "headless": {f"{LOOP}/rateLimitEnabled": False, f"{LOOP}/manualModeEnabled": True, FIXED_STEPPING: False},
    "window": {
        f"{LOOP}/rateLimitEnabled": True,
        f"{LOOP}/rateLimitFrequency": 120.0,
        f"{LOOP}/manualModeEnabled": False,
        FIXED_STEPPING: True,
    },
}
"""As Isaac Sim's own Kit files have it; in the window, extensions that limit and unlimit the loop come on top."""


class RunLoop(Strict):
    """The loop's interface; `main` is the only loop."""

    def __init__(self, store: SettingsStore) -> None:
        self._store = store
        self._manual_step_s = 1.0 / 60.0

    def set_manual_mode(self, enabled: bool = True, name: str = "") -> None:
        assert name in ("", "main")
        self._store.set(f"{LOOP}/manualModeEnabled", bool(enabled))

    def set_manual_step_size(self, dt: float = 0.01667, name: str = "") -> None:
        assert name in ("", "main")
        self._manual_step_s = float(dt)

    def get_manual_mode(self, name: str = "") -> bool:
        assert name in ("", "main")
        return bool(self._store.get(f"{LOOP}/manualModeEnabled"))

    def get_manual_step_size(self, name: str = "") -> float:
        assert name in ("", "main")
        return self._manual_step_s


class Pacing:
    """What the loop does with its settings; not part of Kit's own face."""

    def __init__(self, store: SettingsStore, runner: RunLoop, time_codes_per_second: float = 60.0) -> None:
        self._store, self._runner, self._time_codes_per_second = store, runner, time_codes_per_second
        self._left_s = 0.0

    def turn_s(self, work_s: float) -> float:
        """How long a turn takes whose work takes work_s [s]."""
        if not self._store.get(f"{LOOP}/rateLimitEnabled"):
            return work_s
        return max(work_s, 1.0 / float(self._store.get(f"{LOOP}/rateLimitFrequency") or 60.0))

    def step_s(self, passed_s: float) -> float:
        """Simulated time that a turn hands on when passed_s [s] have passed since the last."""
        if self._store.get(FIXED_STEPPING):
            return 1.0 / self._time_codes_per_second
        return self._runner.get_manual_step_size() if self._runner.get_manual_mode() else passed_s

    def physics_steps(self, passed_s: float, rate_hz: float) -> int:
        """Physics steps of such a turn; what a turn has beyond the smallest frame rate is dropped."""
        least_hz = float(self._store.get("/persistent/simulation/minFrameRate") or 30.0)
        self._left_s += min(self.step_s(passed_s), 1.0 / least_hz)
        steps = int(self._left_s * rate_hz + 1e-6)
        self._left_s -= steps / rate_hz
        return steps
