"""The extension's settings: `/exts/teletwin/<name>`, read into one frozen configuration."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import carb.settings
import omni.kit.app

from teletwin.errors import ConfigError
from teletwin.kit.guard import Guard
from teletwin.kit.hand_input import HAND_INPUTS
from teletwin.kit.motion import POLICIES
from teletwin.safety import MotionLimits

ROOT = "/exts/teletwin"
ROLES = ("local", "twin")
ENCODERS = ("auto", "nvenc", "x264")
WINDOWS = ("auto", "on", "off")
"""Of the extension's window and of Isaac's viewport."""
COMMANDS = ("start", "stop", "engage", "hold", "record", "end_record", "lesson", "pause_lesson", "quit_lesson")


@dataclass(frozen=True, kw_only=True)
class KitCfg:
    """Every setting of the extension; names are those of `config/extension.toml`, which explains them."""

    autostart: bool = False
    command: str = ""
    window: str = "auto"
    role: str = "local"
    bind: str = "127.0.0.1"
    operator: str = "127.0.0.1"
    arm: str = "127.0.0.1"
    session_name: str = ""
    session_secret_file: str = ""
    page_host: str = "127.0.0.1"
    page_port: int = 8765
    page_token_file: str = ""
    page_in_kit_loop: bool = True
    engage_at_start: bool = True
    hand: str = "write"
    hand_input: str = "page"
    forecaster: str = "arma"
    horizon_policy: str = "rule"
    horizon_control_ms: float = 0.0
    horizon_render_ms: float = 0.0
    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    loss: float = 0.0
    max_speed_rad_s: float = MotionLimits().max_speed_rad_s
    workspace_radius_m: float = MotionLimits().workspace_radius_m
    workspace_height_m: float = MotionLimits().workspace_height_m
    silence_ms: float = 80.0
    motion_policy: str = "rmpflow"
    physics_rate_hz: float = 250.0
    update_rate_hz: float = 60.0
    robot_usd: str = ""
    robot_path: str = "/World/ur3e"
    author_scene: bool = True
    camera_path: str = "/World/teletwin/camera"
    width: int = 640
    height: int = 360
    rate_hz: float = 30.0
    bitrate_mbps: float = 2.0
    encoder: str = "auto"
    viewport: str = "auto"
    allocator: str = "off"
    bandwidth_mbps: float = 0.0
    compute_share: float = 1.0
    record_path: str = ""
    lesson_trainer: str = ""
    lesson_options: str = ""

    def __post_init__(self) -> None:
        """Refuse what no part downstream checks."""
        choices = {
            "role": ROLES,
            "hand_input": HAND_INPUTS,
            "motion_policy": POLICIES,
            "encoder": ENCODERS,
            "window": WINDOWS,
            "viewport": WINDOWS,
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise ConfigError(f"{ROOT}/{name}", given=getattr(self, name), allowed=", ".join(allowed))
        ranges = {"physics_rate_hz": (100.0, 1000.0), "update_rate_hz": (30.0, 500.0)}
        for name, (least, most) in ranges.items():
            if not least <= getattr(self, name) <= most:
                raise ConfigError(f"{ROOT}/{name}", given=getattr(self, name), allowed=f"{least:g} ... {most:g}")


_SECRETS = {
    "session_token": f"{ROOT}/session_secret_file, or the environment's TELETWIN_SESSION_SECRET",
    "page_token": f"{ROOT}/page_token_file, or the environment's TELETWIN_PAGE_TOKEN",
}
"""Settings that there are no longer, and what to take instead: command lines are seen by every user of a machine."""

FIELDS = {field.name: field for field in dataclasses.fields(KitCfg)}


class Settings:
    """Kit's settings below `/exts/teletwin`."""

    def __init__(self) -> None:
        self._store: Any = carb.settings.get_settings()

    def get(self, name: str) -> Any:
        """The value of a setting, in the type of its default; the default when it is not set."""
        default = FIELDS[name].default
        value = self._store.get(f"{ROOT}/{name}")
        if value is None:
            return default
        if isinstance(default, bool):
            return value in (True, 1, "true", "True", "1")
        try:
            return type(default)(value)  # type: ignore[call-overload]
        except (TypeError, ValueError):
            raise ConfigError(f"{ROOT}/{name}", given=value, allowed=f"a {type(default).__name__}") from None

    def set(self, name: str, value: object) -> None:
        """Change a setting; whoever watches it is told."""
        if name not in FIELDS:
            raise ConfigError("no setting has this name", given=name, allowed=", ".join(FIELDS))
        self._store.set(f"{ROOT}/{name}", value)

    def read(self) -> KitCfg:
        """All of them, checked.

        Raises:
            ConfigError: A value of the wrong type or out of range, or a secret that stands in the settings.
        """
        for name, instead in _SECRETS.items():
            if self._store.get(f"{ROOT}/{name}"):
                raise ConfigError(f"{ROOT}/{name} is gone: settings are no place for a secret", mend=instead)
        return KitCfg(**{name: self.get(name) for name in FIELDS})

    def watch(self, name: str, on_change: Callable[[], None]) -> Guard:
        """Call on_change() after every change of a setting, until the guard is closed."""
        return Guard(omni.kit.app.SettingChangeSubscription(f"{ROOT}/{name}", lambda *_: on_change()))
