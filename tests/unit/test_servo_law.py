from __future__ import annotations

import numpy as np
import pytest

from teletwin.arm.servo_law import ServoLaw, ServoLawCfg
from teletwin.arm.simulated import START_Q, SimulatedArm, SimulatedArmCfg
from teletwin.clock import VirtualClock
from teletwin.errors import ConfigError


def ramp_delay_s(cfg, *, speed=0.5, count=1000):
    law = ServoLaw(cfg)
    law.reset(np.zeros(6))
    for k in range(1, count + 1):
        reference = law.step(np.full(6, speed * cfg.cycle_s * k))
    return cfg.cycle_s * count - reference[0] / speed


def test_whole_arm_follows_a_ramp_34_ms_late_at_the_reported_setting():
    clock = VirtualClock()
    arm = SimulatedArm(clock, SimulatedArmCfg(scene="bare"))  # the ramp would end on the table
    speed, start = 0.3, np.array(START_Q)
    lags = []
    for k in range(1, 1001):
        arm.servo(start + speed * 0.002 * (k - 1))
        clock.sleep_until(2_000_000 * k)
        arm.advance()
        if k > 500:
            lags.append(0.002 * k - (arm.state().q - start) / speed)
    assert np.mean(lags) == pytest.approx(0.034, abs=0.003)
    assert np.std(lags) < 0.001


@pytest.mark.parametrize(("lookahead_s", "gain"), [(0.03, 1200), (0.03, 300), (0.05, 500), (0.1, 2000), (0.2, 100)])
def test_ramp_delay_is_what_the_formula_says(lookahead_s, gain):
    cfg = ServoLawCfg(lookahead_s=lookahead_s, gain=gain)
    assert ramp_delay_s(cfg) == pytest.approx(cfg.ramp_delay_s, abs=1e-4)


def test_delay_grows_with_lookahead_and_shrinks_with_gain():
    delays = [ServoLawCfg(lookahead_s=value).ramp_delay_s for value in (0.03, 0.05, 0.1, 0.2)]
    assert delays == pytest.approx([0.03, 0.05, 0.1, 0.2], abs=0.001)
    assert (
        ServoLawCfg(gain=300).ramp_delay_s > ServoLawCfg(gain=1200).ramp_delay_s > ServoLawCfg(gain=2000).ramp_delay_s
    )


def test_a_step_is_reached_without_overshoot():
    law = ServoLaw()
    law.reset(np.zeros(6))
    path = np.array([law.step(np.full(6, 0.1)).copy() for _ in range(200)])
    assert (np.diff(path, axis=0) >= 0).all()
    assert path[-1] == pytest.approx(0.1, abs=1e-6)
    assert path.max() <= 0.1


@pytest.mark.parametrize("wrong", [{"lookahead_s": 0.01}, {"gain": 50}, {"cycle_s": 0.5}])
def test_arguments_outside_the_manual_are_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        ServoLawCfg(**wrong)
    if "cycle_s" not in wrong:
        with pytest.raises(ConfigError):
            SimulatedArmCfg(**wrong)
