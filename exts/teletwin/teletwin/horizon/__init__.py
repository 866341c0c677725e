"""How far to look ahead: policies that choose the two horizons, one class and one name each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast

from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.messages import Horizons


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopObservation:
    """What the operator's side knows at the decision of one slot; operator's clock, offsets removed."""

    t_ns: int
    window: Array
    """Past poses (n, 7) as the forecaster sees them."""
    aol_s: float
    """Age of Loop: now minus generation time of the newest pose known to control the arm [s]; < 0 unknown."""
    uplink_age_s: float
    """Age of packets on arrival at the twin, newest known [s]."""
    control_delay_s: float
    """Measured T_control [s], the arm's servo lag in it, the motion policy's own lag not; < 0 unknown."""
    display_delay_s: float
    """Measured T_render: hand sample to drawn frame [s]; < 0 unknown."""
    predicted_error_m: float = -1.0
    """Error that the forecaster expects of itself at the control delay [m]; < 0 unknown."""
    curve: Array | None = None
    """This slot's forecast (CURVE_KNOTS, 7); None where nobody forecast. The array is reused in the next slot."""


class HorizonPolicy(Protocol):
    """Chooses the horizons of one slot."""

    def decide(self, observation: LoopObservation) -> Horizons:
        """Return the horizons [s] for this slot."""
        ...

    def reset(self) -> None:
        """Forget earlier slots."""
        ...


class HorizonSettings(Protocol):
    """What a session's configuration says about horizons [ms]."""

    @property
    def policy(self) -> str:
        """Name of the policy."""
        ...

    @property
    def horizon_control_ms(self) -> float:
        """Absolute horizon of the control function, position."""
        ...

    @property
    def horizon_render_ms(self) -> float:
        """Absolute horizon of the rendering function, position."""
        ...

    @property
    def horizon_control_orientation_ms(self) -> float | None:
        """The same for orientation; None takes the position's."""
        ...

    @property
    def horizon_render_orientation_ms(self) -> float | None:
        """The same for orientation; None takes the position's."""
        ...

    @property
    def policy_file(self) -> str:
        """File of the policy 'learned'; empty takes the shipped one."""
        ...


Builder = Callable[[HorizonSettings, bool], HorizonPolicy]

POLICIES: dict[str, str] = {
    "fixed": "teletwin.horizon.fixed:from_settings",
    "rule": "teletwin.horizon.rule:from_settings",
    "learned": "teletwin.horizon.learned:from_settings",
}
"""Name on the command line -> the function that builds it; imported when it is built."""


def build_policy(settings: HorizonSettings, *, paper_mode: bool = False) -> HorizonPolicy:
    """Build the policy that the settings name.

    Args:
        settings: Name and horizons [ms].
        paper_mode: Absolute horizons bound at the sender, for a twin with the stock motion policy.

    Raises:
        ConfigError: No policy has this name, a horizon is out of range, or a policy file cannot be used.
    """
    if settings.policy not in POLICIES:
        raise ConfigError("no horizon policy has this name", given=settings.policy, allowed=", ".join(POLICIES))
    module, _, function = POLICIES[settings.policy].partition(":")
    return cast(Builder, getattr(import_module(module), function))(settings, paper_mode)


def available_policies(policy_file: str = "") -> list[str]:
    """Names that can be chosen here: 'learned' only where its file is known.

    Args:
        policy_file: The file that was given; empty looks for the shipped one.
    """
    from teletwin.horizon.learned import policy_path

    try:
        is_known = policy_path(policy_file).is_file()
    except ConfigError:
        is_known = False
    return [name for name in POLICIES if name != "learned" or is_known]
