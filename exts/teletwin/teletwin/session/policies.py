"""The horizon policy of the live loop, and what a person must know of it."""

from __future__ import annotations

from teletwin.horizon import HorizonPolicy, build_policy
from teletwin.session.config import HorizonCfg


def live_policy(horizon: HorizonCfg, *, paper_mode: bool, forecaster: str = "") -> tuple[HorizonPolicy, str]:
    """The policy that the settings name, and a warning; empty when all is well.

    Raises:
        ConfigError: The policy's file cannot be used.
    """
    policy = build_policy(horizon, paper_mode=paper_mode)
    if horizon.policy != "learned":
        return policy, ""
    from teletwin.horizon.learned import LearnedPolicy, mode_warning

    assert isinstance(policy, LearnedPolicy)
    return policy, mode_warning(policy.policy, paper_mode=paper_mode, forecaster=forecaster)


def check_policy(horizon: HorizonCfg) -> None:
    """Read the file of a learned policy, before anything starts.

    Raises:
        ConfigError: It cannot be used.
    """
    if horizon.policy == "learned":
        from teletwin.horizon.learned import policy_path
        from teletwin.horizon.policy_file import load_policy

        load_policy(policy_path(horizon.policy_file))
