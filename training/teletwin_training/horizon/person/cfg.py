"""What kinds of people there are: ranges from which each person draws their own traits."""

from __future__ import annotations

from dataclasses import dataclass, field

from teletwin.errors import ConfigError
from teletwin.hand.synthetic.body import BodyCfg

Range = tuple[float, float]

TRAITS = (
    "reaction_s",
    "crossover_rad_s",
    "pursuit_gain",
    "preview_s",
    "extrapolation",
    "delay_lead",
    "lag_s",
    "dead_zone_m",
    "discount",
)
"""Fields of PersonCfg that a person draws once, evenly within the range."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonCfg:
    """Ranges of the population; within what the literature reports for hands, where it reports anything.

    Reported: reaction, crossover, lag (McRuer and Jex 1967), submovements and their intervals (Meyer et al. 1988,
    Burdet and Milner 1998), noise (Harris and Wolpert 1998). Assumed, and tuned for errors of a person's order:
    preview, extrapolation, discount, dead zone, scatter, the limit of the phase, the time in which a person gets
    used to a delay.
    """

    reaction_s: Range = (0.15, 0.25)
    """From the picture to the beginning of the hand's answer, 0.05 to 0.1 s of motor delay included."""
    crossover_rad_s: Range = (2.0, 4.0)
    """Hand speed per perceived error [1/s] where the delay allows it."""
    phase_rad: float = 0.7
    """Most that crossover times all delay may be: with more delay a person corrects more gently (pi/2 would ring)."""
    pursuit_gain: Range = (0.7, 1.0)
    """Share of the dot's velocity that the hand takes over without an error being seen."""
    preview_s: Range = (0.1, 0.2)
    """How far ahead the visible curve lets a person know the dot's velocity."""
    extrapolation: Range = (0.4, 0.9)
    """Share of the delay and lag left after preview that a person bridges with the dot's acceleration."""
    delay_lead: Range = (0.3, 0.7)
    """Share of the display's delay, once felt, by which a person runs ahead of the dot."""
    lag_s: Range = (0.05, 0.1)
    """Neuromuscular lag, of second order."""
    continuous_share: float = 0.3
    """Share of persons who correct without pause; the others in submovements."""
    refractory_s: Range = (0.2, 0.4)
    """From one submovement's beginning to the next."""
    submovement_s: Range = (0.2, 0.35)
    """Duration of a submovement."""
    scatter: float = 0.1
    """Standard deviation of a submovement's size, as a share of it."""
    dead_zone_m: Range = (0.001, 0.003)
    """Errors smaller than this start no submovement."""
    discount: Range = (0.6, 0.95)
    """Share of what is under way, but not seen yet, that a person takes off the error before correcting it."""
    delay_guess_s: float = 0.15
    """Delay of the display that a person expects before having felt it."""
    delay_adapt_s: float = 4.0
    """Time constant of getting used to a display's delay."""
    reach_m: float = 0.2
    """The hand stays this close to its start."""
    speed_max_m_s: float = 1.0
    body: BodyCfg = field(default_factory=BodyCfg)
    """Tremor, drift, signal-dependent noise and the wrist's sway; its lean and sensor steps are not used."""

    def __post_init__(self) -> None:
        for name in (*TRAITS, "refractory_s", "submovement_s"):
            low, high = getattr(self, name)
            if not 0.0 <= low <= high:
                raise ConfigError(f"{name} is no range", given=(low, high), allowed="0 <= low <= high")
        if self.reaction_s[0] < 0.03 or self.reaction_s[1] > 1.0 or self.lag_s[0] < 0.02:
            raise ConfigError(
                "a person does not react so",
                given=f"reaction {self.reaction_s} s, lag {self.lag_s} s",
                allowed="reaction 0.03 ... 1 s, lag 0.02 s or more",
            )
        if self.submovement_s[0] < 0.05 or self.submovement_s[1] > 2.0 * self.refractory_s[0]:
            raise ConfigError(
                "more than two submovements would overlap",
                given=f"{self.submovement_s} s every {self.refractory_s} s",
                allowed="0.05 s or longer, at most twice the shortest interval",
            )
        if self.discount[1] > 1.0 or not 0.0 <= self.continuous_share <= 1.0 or not 0.0 <= self.scatter <= 0.5:
            raise ConfigError(
                "a share is out of range",
                given=f"discount {self.discount}, continuous {self.continuous_share}, scatter {self.scatter}",
                allowed="0 ... 1, 0 ... 1, 0 ... 0.5",
            )
        if (
            not 0.1 <= self.phase_rad <= 1.5
            or not 0.0 <= self.delay_guess_s <= 0.5
            or not 0.5 <= self.delay_adapt_s <= 600.0
        ):
            raise ConfigError(
                "a person does not adapt so",
                given=f"phase {self.phase_rad} rad, guess {self.delay_guess_s} s, in {self.delay_adapt_s} s",
                allowed="0.1 ... 1.5 rad, 0 ... 0.5 s, 0.5 ... 600 s",
            )
        if not 0.01 <= self.reach_m <= 1.0 or not 0.05 <= self.speed_max_m_s <= 3.0:
            raise ConfigError(
                "the hand's bounds are out of range",
                given=f"{self.reach_m} m, {self.speed_max_m_s} m/s",
                allowed="0.01 ... 1 m, 0.05 ... 3 m/s",
            )
