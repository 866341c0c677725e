"""Fixed horizons, and horizons from the measured delay."""

from __future__ import annotations

import numpy as np
import pytest

from teletwin.errors import ConfigError
from teletwin.horizon import LoopObservation
from teletwin.horizon.fixed import FixedCfg, FixedPolicy
from teletwin.horizon.rule import RuleCfg, RulePolicy
from teletwin.messages import HORIZON_MAX_S

UNKNOWN = -1.0


def seen(t_s, *, aol_s=UNKNOWN, control_s=UNKNOWN, display_s=UNKNOWN):
    return LoopObservation(
        t_ns=round(t_s * 1e9),
        window=np.zeros((100, 7)),
        aol_s=aol_s,
        uplink_age_s=0.0,
        control_delay_s=control_s,
        display_delay_s=display_s,
    )


def test_fixed_horizons_are_absolute_and_orientation_follows_position_unless_given():
    horizons = FixedPolicy(FixedCfg(control_ms=120, render_ms=80, render_orientation_ms=200)).decide(seen(0))
    assert (horizons.control_s, horizons.control_orientation_s) == pytest.approx((0.12, 0.12))
    assert (horizons.render_s, horizons.render_orientation_s) == pytest.approx((0.08, 0.2))
    assert not horizons.late_binding_control
    assert not horizons.late_binding_render


def test_late_binding_sends_only_the_lags_that_the_twin_cannot_measure():
    horizons = RulePolicy(RuleCfg(orientation_lag_s=0.2)).decide(seen(0, control_s=0.13, display_s=0.09))
    assert horizons.late_binding_control
    assert horizons.late_binding_render
    assert (horizons.control_s, horizons.render_s) == (0.0, 0.0)
    assert horizons.control_orientation_s == horizons.render_orientation_s == 0.2


def test_before_any_measurement_the_rule_assumes_its_first_guess():
    horizons = RulePolicy(RuleCfg(late_binding=False, first_control_s=0.17, first_render_s=0.11)).decide(seen(0))
    assert (horizons.control_s, horizons.render_s) == (0.17, 0.11)


def test_the_first_measurement_replaces_the_guess_at_once():
    horizons = RulePolicy(RuleCfg(late_binding=False)).decide(seen(0, control_s=0.3, display_s=0.2))
    assert (horizons.control_s, horizons.render_s) == (0.3, 0.2)


def test_age_of_loop_stands_in_for_an_unknown_control_delay():
    assert RulePolicy(RuleCfg(late_binding=False)).decide(seen(0, aol_s=0.25)).control_s == 0.25


def test_the_average_follows_a_change_within_seconds_and_ignores_jitter():
    policy = RulePolicy(RuleCfg(late_binding=False, averaging_s=1.0))
    policy.decide(seen(0, control_s=0.1))
    jittery = [policy.decide(seen(0.01 * i, control_s=0.1 + (0.03 if i % 2 else -0.03))) for i in range(1, 200)]
    assert max(abs(h.control_s - 0.1) for h in jittery) < 0.002
    changed = [policy.decide(seen(2.0 + 0.01 * i, control_s=0.2)).control_s for i in range(301)]
    assert changed[100] == pytest.approx(0.1 + 0.1 * (1 - np.exp(-1)), abs=0.003)
    assert changed[300] > 0.19


def test_horizons_never_leave_their_range():
    policy = RulePolicy(RuleCfg(late_binding=False, position_lag_s=0.1125, orientation_lag_s=0.2))
    horizons = policy.decide(seen(0, control_s=0.45, display_s=0.45))
    assert horizons.control_s == horizons.control_orientation_s == HORIZON_MAX_S


@pytest.mark.parametrize("bad", [-1.0, 501.0, float("nan")])
def test_fixed_horizons_out_of_range_are_refused(bad):
    with pytest.raises(ConfigError, match=r"0 \.\.\. 500 ms"):
        FixedCfg(control_ms=bad)


@pytest.mark.parametrize("bad", [-0.1, 11.0, float("nan")])
def test_rule_settings_out_of_range_are_refused(bad):
    with pytest.raises(ConfigError, match="given"):
        RuleCfg(averaging_s=bad)
