"""What a decision about the horizons costs in the slot."""

from __future__ import annotations

import numpy as np

from teletwin.bench.timing import call_times_us
from teletwin.forecast import WINDOW_COUNT, WINDOW_STEP_S
from teletwin.horizon import HorizonPolicy, LoopObservation
from teletwin.horizon.learned import LearnedPolicy
from teletwin.horizon.policy_file import identity_policy
from teletwin.horizon.rule import RuleCfg, RulePolicy
from teletwin.messages import CURVE_KNOTS


def measure_policy(*, calls: int = 2000) -> dict[str, float]:
    """Microseconds (p50) of one decision: a learned policy (41-64-64-5) and the rules."""
    policies: dict[str, HorizonPolicy] = {
        "learned": LearnedPolicy(identity_policy()),
        "rule_late": RulePolicy(),
        "rule_sender": RulePolicy(RuleCfg(late_binding=False)),
    }
    return {f"decide_{name}_us_p50": _decision_us(policy, calls=calls) for name, policy in policies.items()}


def _decision_us(policy: HorizonPolicy, *, calls: int) -> float:
    rng = np.random.default_rng(5)
    window = np.tile([0.3, 0.1, 0.3, 1.0, 0.0, 0.0, 0.0], (WINDOW_COUNT, 1))
    window[:, :3] += np.cumsum(rng.normal(0.0, 1e-3, (WINDOW_COUNT, 3)), axis=0)
    curve = np.tile(window[-1], (CURVE_KNOTS, 1))
    slot = 0

    def decide() -> None:
        nonlocal slot
        slot += 1
        policy.decide(
            LoopObservation(
                t_ns=slot * int(1e9 * WINDOW_STEP_S),
                window=window,
                aol_s=0.2,
                uplink_age_s=0.05,
                control_delay_s=0.15,
                display_delay_s=0.13,
                curve=curve,
            )
        )

    return float(np.median(call_times_us(decide, calls=calls)))
