"""The forecaster of the live loop: a fast one in the slot, a slow one beside it with a warning."""

from __future__ import annotations

from importlib.util import find_spec

from teletwin.forecast import FORECASTERS, NEEDS_EXTRA, Forecaster, build_forecaster, forecast_cost_ms
from teletwin.session.person import greet, remember


def live_forecaster(name: str, *, slot_s: float, person: str = "") -> tuple[Forecaster, str]:
    """The forecaster by name, and what a person must know of it; empty when it keeps up with the slots.

    One that needs more than half a slot runs in a process of its own; its last curve goes on meanwhile.

    Args:
        name: Of the forecaster.
        slot_s: Decision period [s].
        person: Whose hand it is; empty for anybody's.

    Raises:
        ConfigError: No forecaster has this name, or the person's file cannot be used.
        MissingPartError: The package that it needs is not installed.
    """
    cost_ms = forecast_cost_ms(name)
    if cost_ms <= 500.0 * slot_s:
        forecaster = build_forecaster(name)
        greet(forecaster, person)
        return forecaster, ""
    from teletwin.forecast.background import BackgroundForecaster

    rate_hz = 1000.0 / cost_ms
    warning = (
        f"{name} needs about {cost_ms:g} ms a pose: it forecasts {rate_hz:.1f} times a second, not {1 / slot_s:.0f}"
    )
    return BackgroundForecaster(name, slot_s=slot_s), warning


def available_forecasters() -> list[str]:
    """Names that can be chosen here."""
    has_statsmodels = find_spec("statsmodels") is not None
    return [name for name in FORECASTERS if has_statsmodels or name not in NEEDS_EXTRA]


def predicted_error_m(forecaster: Forecaster, horizon_s: float) -> float:
    """What a forecaster expects to be wrong by at a horizon [s], in [m]; -1 when it does not say."""
    predict = getattr(forecaster, "predicted_error_m", None)
    return float(predict(horizon_s)) if predict is not None and horizon_s >= 0.0 else -1.0


def retire(forecaster: Forecaster, person: str = "") -> None:
    """Keep what it learned of a person, and end the process of a forecaster that has one.

    Raises:
        ConfigError: The person's file cannot be written.
    """
    remember(forecaster, person)
    close = getattr(forecaster, "close", None)
    if close is not None:
        close()
