"""Isaac Lab's teleoperation over an imitated network: late, forecast, and right in the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from teletwin.clock import NS_PER_S, VirtualClock
from teletwin.errors import ConfigError
from teletwin.geometry import quat_from_rotvec, rotation_angle
from teletwin.messages import LinkSettings

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.usefixtures("isaac_lab")

SWING_M, TURN_RAD = 0.1, 0.5


class StubDevice:
    """Hands out what it is told at the clock's time; says what was asked of it."""

    def __init__(self, command: Callable[[float], Any], clock: VirtualClock) -> None:
        self._command, self._clock = command, clock
        self.resets, self.callbacks = 0, {}

    def __str__(self) -> str:
        return "a stub"

    def reset(self) -> None:
        self.resets += 1

    def add_callback(self, key: str, func: Callable[[], None]) -> None:
        self.callbacks[key] = func

    def advance(self) -> Any:
        command = self._command(self._clock.now_ns() / NS_PER_S)
        return command if not isinstance(command, np.ndarray) else torch.tensor(command, dtype=torch.float32)


def pose_at(t_s: float, *, hz: float = 0.5) -> np.ndarray:
    """A hand that swings and turns: [pose xyzw, gripper]."""
    phase = 2 * np.pi * hz * t_s
    quat = quat_from_rotvec(np.array([0.0, 0.0, TURN_RAD * np.sin(phase)]))
    position = [0.3 + SWING_M * np.sin(phase), -0.2 + SWING_M * np.cos(1.3 * phase), 0.3]
    return np.array([*position, *quat[1:], quat[0], 1.0 if t_s < 2.0 else -1.0])


def device_of(command: Callable[[float], Any], *, output: str = "pose-xyzw", **settings: Any) -> tuple[Any, Any, Any]:
    from isaaclab_teletwin.devices import ForecastDevice, LateHandCfg

    settings.setdefault("link", LinkSettings(delay_ms=80.0))
    clock = VirtualClock()
    clock.sleep_until(NS_PER_S)
    stub = StubDevice(lambda t_s: command(t_s - 1.0), clock)
    return ForecastDevice(stub, LateHandCfg(**settings), output=output, clock=clock), stub, clock


def run(device: Any, clock: Any, *, rate_hz: float, duration_s: float) -> np.ndarray:
    rows = []
    start_ns = clock.now_ns()
    for step in range(round(duration_s * rate_hz)):
        clock.sleep_until(start_ns + round(step * NS_PER_S / rate_hz))
        rows.append(device.advance().numpy().astype(np.float64))
    return np.stack(rows)


def errors(rows: np.ndarray, rate_hz: float, *, late_s: float = 0.0) -> tuple[float, float]:
    """Root mean square of position [m] and orientation [rad] beside the hand of so long ago, once settled."""
    first = round(2.0 * rate_hz)
    wanted = np.stack([pose_at(max(step / rate_hz - late_s, 0.0)) for step in range(len(rows))])
    position = np.linalg.norm(rows[first:, :3] - wanted[first:, :3], axis=1)
    angle = rotation_angle(rows[first:, [6, 3, 4, 5]], wanted[first:, [6, 3, 4, 5]])
    return float(np.sqrt((position**2).mean())), float(np.sqrt((angle**2).mean()))


@pytest.mark.parametrize("rate_hz", [30.0, 60.0, 100.0])
def test_a_forecast_takes_most_of_the_delays_error(rate_hz: float) -> None:
    link = LinkSettings(delay_ms=80.0, jitter_ms=10.0)
    late, _, clock = device_of(pose_at, link=link, predict=False)
    without = errors(run(late, clock, rate_hz=rate_hz, duration_s=8.0), rate_hz)
    device, _, clock = device_of(pose_at, link=link)
    forecast = errors(run(device, clock, rate_hz=rate_hz, duration_s=8.0), rate_hz)
    assert forecast[0] < 0.3 * without[0]
    assert forecast[1] < 0.3 * without[1]


def test_without_prediction_it_is_the_hand_of_before() -> None:
    device, _, clock = device_of(pose_at, predict=False)
    position, angle = errors(run(device, clock, rate_hz=100.0, duration_s=5.0), 100.0, late_s=0.08)
    assert position < 1e-6
    assert angle < 1e-6


def test_the_gripper_is_as_late_as_the_network() -> None:
    device, _, clock = device_of(pose_at)
    rows = run(device, clock, rate_hz=100.0, duration_s=4.0)
    assert np.flatnonzero(rows[:, 7] < 0.0)[0] == 208


def test_motions_add_up_to_what_the_hand_did() -> None:
    def keys(t_s: float) -> np.ndarray:
        held = 0.2 < t_s < 1.2
        return np.array([0.004, 0.0, -0.002, 0.0, 0.01, 0.005, 1.0]) if held else np.array([0.0] * 6 + [1.0])

    device, _, clock = device_of(keys, output="delta")
    rows = run(device, clock, rate_hz=60.0, duration_s=4.0)
    sent = np.stack([keys(step / 60.0) for step in range(len(rows))])
    np.testing.assert_allclose(rows[:, :3].sum(axis=0), sent[:, :3].sum(axis=0), atol=1e-4)
    assert np.abs(rows[-30:, :6]).max() < 1e-5
    assert np.flatnonzero(np.abs(rows[:, 0]) > 1e-6)[0] >= round((0.2 + 0.08) * 60.0)


def test_the_same_seed_and_times_give_the_same_bytes() -> None:
    link = LinkSettings(delay_ms=60.0, jitter_ms=20.0, loss=0.05, duplication=0.05, reordering=0.1)
    runs = []
    for seed in (3, 3, 4):
        device, _, clock = device_of(pose_at, link=link, seed=seed)
        runs.append(run(device, clock, rate_hz=60.0, duration_s=3.0).tobytes())
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def test_reset_forgets_what_is_under_way() -> None:
    device, stub, clock = device_of(pose_at)
    first = run(device, clock, rate_hz=60.0, duration_s=1.0)
    device.reset()
    clock.sleep_until(clock.now_ns() + NS_PER_S)
    again = device.advance().numpy()
    assert stub.resets == 1
    np.testing.assert_allclose(again, pose_at(2.0 - 1.0 / 60.0), atol=1e-5)
    assert not np.allclose(first[-1], again)


def test_a_silent_network_holds_the_pose() -> None:
    device, _, clock = device_of(lambda t_s: pose_at(t_s) if t_s < 3.0 else np.full(8, np.nan))
    rows = run(device, clock, rate_hz=100.0, duration_s=4.0)
    assert np.isfinite(rows).all()
    assert np.ptp(rows[340:, :3], axis=0).max() == 0.0
    assert np.linalg.norm(rows[-1, :3] - pose_at(3.2)[:3]) < 0.05


def test_keys_are_bound_to_the_wrapped_device_and_it_says_what_it_is() -> None:
    device, stub, _ = device_of(pose_at)
    device.add_callback("R", device.reset)
    stub.callbacks["R"]()
    assert stub.resets == 1
    assert "a stub" in str(device)
    assert "80" in str(device)


def test_nothing_said_is_nothing_handed_out() -> None:
    device, _, _ = device_of(lambda t_s: None)
    assert device.advance() is None


@pytest.mark.parametrize("command", [{"hand": 1}, np.zeros(5), np.zeros((2, 7))])
def test_another_kind_of_command_is_refused_in_one_line(command: Any) -> None:
    device, _, _ = device_of(lambda t_s: command)
    with pytest.raises(ConfigError, match=r"hands out something else.*given.*allowed"):
        device.advance()


def test_bad_settings_are_refused() -> None:
    from isaaclab_teletwin.devices import ForecastDevice, LateHandCfg

    with pytest.raises(ConfigError, match="pose-xyzw"):
        ForecastDevice(None, output="euler")
    with pytest.raises(ConfigError, match="delay_ms"):
        LateHandCfg(link=LinkSettings(delay_ms=-1.0))
    with pytest.raises(ConfigError, match="robot_lag_ms"):
        LateHandCfg(robot_lag_ms=900.0)
