"""A teleoperation device of Isaac Lab around another: the same commands, delayed, jittered and forecast."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from isaaclab.devices import DeviceBase

from isaaclab_teletwin.devices.formats import build_format
from isaaclab_teletwin.devices.late_hand import LateHand, LateHandCfg
from teletwin.clock import Clock, SystemClock
from teletwin.errors import ConfigError
from teletwin.geometry import Array


class ForecastDevice(DeviceBase):
    """Hands out what the far end of a network knows of another device.

    `advance` asks the other device, sends its sample on its way and returns what has arrived by then, forecast to
    this moment; what stands behind the pose (a gripper) comes as late, and is not forecast.

    Args:
        device: What is wrapped: a keyboard, a SpaceMouse, an OpenXR or Isaac Teleop device with retargeters; anything
            with `reset`, `add_callback` and `advance() -> torch.Tensor`.
        cfg: The network, and how its delay is made up for.
        output: What the device hands out, one of `formats.FORMATS`.
        clock: Tells when; the machine's own without one.

    Raises:
        ConfigError: No format has this name, or the configuration cannot be used.
    """

    def __init__(
        self, device: Any, cfg: LateHandCfg | None = None, *, output: str = "delta", clock: Clock | None = None
    ) -> None:
        super().__init__()
        self._device, self._clock = device, clock or SystemClock()
        self._format = build_format(output)
        self._hand = LateHand(cfg)
        self._first: Array | None = None

    def __str__(self) -> str:
        """The wrapped device's own words, and the network before them."""
        link, how = self._hand.cfg.link, self._hand.cfg.forecaster if self._hand.cfg.predict else "no forecast"
        return f"Over {link.delay_ms:g} +- {link.jitter_ms:g} ms, {how}: {self._device}"

    def reset(self) -> None:
        """Reset the wrapped device, and forget what is under way."""
        self._device.reset()
        self._hand.reset()
        self._format.reset()
        self._first = None

    def add_callback(self, key: Any, func: Callable[[], None]) -> None:
        """Bind a function to a key of the wrapped device; it is called at once, without the network's delay."""
        self._device.add_callback(key, func)

    def advance(self) -> Any:
        """The newest command as known at the far end, of the shape, type and device of the wrapped device's own.

        None while the wrapped device has nothing to say (as before an XR session starts).

        Raises:
            ConfigError: The wrapped device hands out something else than `output` says.
        """
        command = self._device.advance()
        if command is None:
            return None
        row = self._row(command)
        now_ns, width = self._clock.now_ns(), self._format.width
        if self._first is None:
            self._first = row
        if np.isfinite(row).all():
            self._hand.take(now_ns, self._format.read(row[:width]), row[width:])
        known = self._hand.at(now_ns)
        if known is None:
            out = np.concatenate([self._format.nothing(self._first[:width]), self._first[width:]])
        else:
            out = np.concatenate([self._format.write(known.pose), known.rest])
        return torch.as_tensor(out, dtype=command.dtype, device=command.device)

    def _row(self, command: Any) -> Array:
        """The command as numbers."""
        width = self._format.width
        if not isinstance(command, torch.Tensor) or command.ndim != 1 or len(command) < width:
            shape = tuple(command.shape) if isinstance(command, torch.Tensor) else type(command).__name__
            raise ConfigError(
                "the wrapped device hands out something else",
                given=shape,
                allowed=f"a tensor of {width} numbers and more",
                mend="give it retargeters, or another output",
            )
        return command.detach().to("cpu", torch.float64).numpy().copy()
