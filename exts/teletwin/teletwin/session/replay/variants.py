"""The recorded hand through the loop with other horizons, forecasters and networks, on the virtual clock."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from teletwin.clock import NS_PER_S
from teletwin.errors import RecordingError
from teletwin.recording import SessionRecording
from teletwin.session.config import HorizonCfg, NetworkCfg, SessionCfg
from teletwin.session.metrics import SessionMetrics
from teletwin.session.person import greet
from teletwin.session.replay.recorded import RecordedHand, RecordedWishes
from teletwin.session.report import SHADOW_KEYS
from teletwin.session.virtual import VirtualSession
from teletwin.telemetry import ErrorTrack

_STEP_S = 0.25
_SETTLE_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """Settings to replay a hand with, and what to call them."""

    name: str
    session: SessionCfg


def variants(
    recorded: SessionCfg,
    *,
    policies: Sequence[str] = (),
    forecasters: Sequence[str] = (),
    horizon_ms: float | None = None,
    networks: Sequence[Mapping[str, float | str]] = (),
    paper_mode: bool = False,
) -> list[Variant]:
    """The recorded settings, then every combination of what shall be changed.

    Args:
        recorded: What the session was run with.
        policies: Horizon policies by name or file; empty keeps the recorded one.
        forecasters: Forecasters by name.
        horizon_ms: Both horizons of the policy 'fixed' [ms]; None takes the recorded ones.
        networks: Changes of the network's settings by name.
        paper_mode: Paper A's plain form as well.

    Raises:
        ConfigError: A name or a number cannot be used.
    """
    found = [Variant(name="settings as recorded", session=recorded)]
    for policy, forecaster, network in itertools.product(policies or [""], forecasters or [""], networks or [{}]):
        session, words = recorded, []
        if policy:
            session, words = (
                dataclasses.replace(session, horizon=_horizon(recorded, policy, horizon_ms)),
                [*words, policy],
            )
        if forecaster:
            session, words = dataclasses.replace(session, forecaster=forecaster), [*words, forecaster]
        if network:
            changed: NetworkCfg = dataclasses.replace(session.network, **network)  # type: ignore[arg-type]
            session = dataclasses.replace(session, network=changed)
            words += [f"{name.removesuffix('_ms').replace('_', ' ')} {value}" for name, value in network.items()]
        if words:
            found.append(Variant(name=", ".join(words), session=session))
    if paper_mode:
        last = found[-1]
        plain = dataclasses.replace(last.session, paper_mode=True)
        found.append(Variant(name=f"{last.name}, paper mode", session=plain))
    return found


def _horizon(recorded: SessionCfg, policy: str, horizon_ms: float | None) -> HorizonCfg:
    """Another policy; the fixed one takes the horizons given, or the recorded ones."""
    horizon = dataclasses.replace(recorded.horizon, policy=policy, policy_file="")
    if horizon_ms is None:
        return horizon
    return dataclasses.replace(horizon, horizon_control_ms=horizon_ms, horizon_render_ms=horizon_ms)


def run_variant(
    variant: Variant,
    operator: SessionRecording,
    *,
    person: str = "",
    progress: Callable[[float], None] = lambda _: None,
) -> dict[str, object]:
    """Replay a log's hand with other settings; return what was measured, units in the names.

    Args:
        variant: The settings.
        operator: The operator's log.
        person: Whose habits a forecaster that learns starts from; nothing is added to them.
        progress: Told the share that is done.

    Raises:
        RecordingError: The log holds no hand.
    """
    samples = operator.on_topic("/operator/PoseSample")
    if len(samples) < 2:
        raise RecordingError("the log holds no hand", given=operator.path, mend="give the operator's log of a session")
    length_s = (samples[-1].t_publish_ns - samples[0].t_publish_ns) / NS_PER_S
    settle_s = min(_SETTLE_S, 0.3 * length_s)
    packets = operator.on_topic("/operator/ForecastPacket")
    virtual = VirtualSession(
        variant.session,
        hand=RecordedHand(samples, from_first=True),
        asked=RecordedWishes(packets, first_ns=samples[0].t_publish_ns),
        settle_s=settle_s,
    )
    greet(virtual.operator.forecaster, person)
    series = _Series()
    while series.time_s < length_s:
        virtual.run(_STEP_S)
        series.note(virtual.metrics, _STEP_S)
        progress(min(series.time_s / length_s, 1.0))
    return _results(virtual.metrics) | {"series": series.values()}


class _Series:
    """Errors over time, for the picture."""

    def __init__(self) -> None:
        self.time_s = 0.0
        self._rows: list[tuple[float, float | None, float | None]] = []

    def note(self, metrics: SessionMetrics, step_s: float) -> None:
        """The running errors after another step."""
        self.time_s += step_s
        self._rows.append((self.time_s, _running_mm(metrics.control), _running_mm(metrics.shown)))

    def values(self) -> dict[str, list[float | None]]:
        """As columns."""
        times, control, display = zip(*self._rows, strict=True)
        return {"t_s": list(times), "control_error_mm": list(control), "display_error_mm": list(display)}


def _running_mm(track: ErrorTrack) -> float | None:
    error = track.running()
    return 1e3 * error.position_m if error.count else None


def _results(metrics: SessionMetrics) -> dict[str, object]:
    tracks = {
        "control_rmse": metrics.control,
        **{f"control_rmse{key}": metrics.control_shadows[name] for name, key in SHADOW_KEYS.items()},
        "display_rmse": metrics.shown,
        **{f"display_rmse{key}": metrics.shown_shadows[name] for name, key in SHADOW_KEYS.items()},
    }
    errors: dict[str, object] = {
        name: {"position_m": track.whole().position_m, "orientation_rad": track.whole().orientation_rad}
        for name, track in tracks.items()
    }
    return errors | {
        "instant_count": metrics.control.whole().count,
        "aol_ms": metrics.aol_ms.quantile(0.5),
        "mtp_ms": metrics.display.mtp_ms.quantile(0.5),
        "horizon_control_ms": metrics.horizon_control_ms.quantile(0.5),
        "horizon_render_ms": metrics.horizon_render_ms.quantile(0.5),
    }
