"""Steps in real time, whatever the simulation makes of its own."""

from __future__ import annotations

import numpy as np
import pytest
from fake import kit

from teletwin.clock import VirtualClock

pytest.importorskip("pxr", reason="usd-core is not installed")


def test_the_steps_of_a_burst_lie_a_step_apart_and_follow_the_clock() -> None:
    with kit("6.0"):
        from teletwin.kit.pace import StepPace

        clock = VirtualClock(start_ns=10**9)
        pace, instants = StepPace(clock), []
        random = np.random.default_rng(1)
        for turn in range(400):
            clock.sleep_until(10**9 + turn * 16_000_000 + int(random.uniform(0.0, 3e6)))
            pace.begin_update()
            instants += [pace.step(0.004) for _ in range(4)]
        apart_ms = 1e-6 * np.diff(instants)
        assert apart_ms.min() > 3.8
        assert apart_ms.max() < 4.2
        assert abs(instants[-4] - clock.now_ns()) < 5_000_000
        clock.sleep_until(clock.now_ns() + 10**9)
        pace.begin_update()
        assert pace.step(0.004) == clock.now_ns()


def test_a_simulation_at_half_speed_has_its_steps_stretched_to_real_time() -> None:
    with kit("6.0"):
        from teletwin.kit.pace import StepPace

        clock = VirtualClock(start_ns=10**9)
        pace, instants = StepPace(clock), []
        for turn in range(400):
            clock.sleep_until(10**9 + turn * 32_000_000)
            pace.begin_update()
            instants += [pace.step(0.004) for _ in range(4)]
        late_ms = 1e-6 * np.diff(instants[-400:])
        assert late_ms.min() > 7.5
        assert late_ms.max() < 8.5
        assert abs(instants[-4] - clock.now_ns()) < 16_000_000


def test_instants_never_go_back_when_the_simulation_runs_ahead() -> None:
    with kit("6.0"):
        from teletwin.kit.pace import StepPace

        clock = VirtualClock(start_ns=10**9)
        pace = StepPace(clock)
        instants = []
        for _ in range(300):
            pace.begin_update()
            instants.append(pace.step(0.004))
        assert min(np.diff(instants)) > 0


@pytest.mark.parametrize("ratio", [0.25, 0.5, 1.0, 2.0, 4.0])
def test_the_ratio_of_simulated_to_wall_time_is_measured(ratio: float) -> None:
    with kit("6.0"):
        from teletwin.kit.pace import StepPace

        clock, random = VirtualClock(start_ns=10**9), np.random.default_rng(2)
        pace, ratios = StepPace(clock), []
        for turn in range(int(200 * ratio)):
            clock.sleep_until(10**9 + round(turn * 16.667e6 / ratio + random.uniform(0.0, 2e6)))
            pace.begin_update()
            for _ in range(4 + (turn % 6 == 0)):
                pace.step(0.004)
            ratios.append(pace.ratio)
        settled = ratios[int(120 * ratio) :]
        assert np.median(settled) == pytest.approx(ratio, rel=0.02)
        assert max(abs(each / ratio - 1.0) for each in settled) < 0.15
        assert 1.0 / pace.scale == pytest.approx(pace.ratio)


def test_a_simulation_that_stalls_has_no_ratio_and_goes_on_at_its_old_speed() -> None:
    """Else the drives would be told ten times the speed in the moment that it goes on."""
    with kit("6.0"):
        from teletwin.kit.pace import StepPace

        clock = VirtualClock(start_ns=10**9)
        pace = StepPace(clock)

        def turn(steps: int) -> None:
            clock.sleep_until(clock.now_ns() + 16_000_000)
            pace.begin_update()
            for _ in range(steps):
                pace.step(0.004)

        for steps in [4] * 100 + [0] * 200:
            turn(steps)
        assert pace.ratio == 0.0
        for _ in range(60):
            turn(4)
            assert pace.scale < 1.3
        assert pace.ratio == pytest.approx(1.0, abs=0.1)
        pace.rest()
        assert pace.ratio > 0.9
