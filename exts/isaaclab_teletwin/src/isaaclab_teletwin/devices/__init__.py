"""Our forecast as a device in Isaac Lab's chain: `ForecastDevice` around a keyboard, a SpaceMouse or OpenXR."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from isaaclab_teletwin.devices.forecast_device import ForecastDevice
    from isaaclab_teletwin.devices.late_hand import LateHand, LateHandCfg

__all__ = ["ForecastDevice", "LateHand", "LateHandCfg"]

_PLACES = {"ForecastDevice": "forecast_device", "LateHand": "late_hand", "LateHandCfg": "late_hand"}


def __getattr__(name: str) -> Any:
    """Load on first use: the device needs Isaac Lab, the hand does not."""
    from importlib import import_module

    if name not in _PLACES:
        raise AttributeError(name)
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
