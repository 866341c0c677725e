"""`teletwin run --role twin --sim isaac`: hand the twin's role over to Isaac Sim's own Python."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from teletwin.errors import ConfigError, MissingPartError
from teletwin.session.config import NetworkCfg, SessionCfg
from teletwin.session.secret_source import SESSION_NAME

if TYPE_CHECKING:
    from teletwin.cli.run import RunOptions

FOLDERS = ("ISAAC_SIM_PATH", "ISAACSIM_PATH", "ISAAC_PATH")
"""Environment variables that may name Isaac Sim's folder."""
_SCRIPT = Path(__file__).resolve().parents[4] / "scripts" / "isaac_twin.py"
_HOW = (
    "set ISAAC_SIM_PATH to Isaac Sim's folder, or run <isaac-sim>/python.sh scripts/isaac_twin.py yourself;"
    " docs/isaac.md tells how to install it"
)
_PICTURE = ("width", "height", "rate_hz", "bitrate_mbps")
_LIMITS = ("max_speed_rad_s", "workspace_radius_m", "workspace_height_m", "silence_ms")
_NETWORK = ("delay_ms", "jitter_ms", "loss")
_HERE_ALONE = ("link", "paper_mode", "control_rate_hz")
"""What a twin follows, and Isaac Sim's has no setting for."""


def run_in_isaac(
    options: RunOptions,
    *,
    environment: Mapping[str, str] = os.environ,
    script: Path = _SCRIPT,
    become: Callable[[str, list[str]], object] = os.execv,
) -> int:
    """Become Isaac Sim with the extension enabled; returns only when it cannot.

    Raises:
        ConfigError: Another role than the twin's was asked for.
        MissingPartError: There is no Isaac Sim, or no checkout with the extension.
    """
    if options.role != "twin":
        raise ConfigError("only the twin runs in Isaac Sim", given=f"--role {options.role}", allowed="--role twin")
    if not script.is_file():
        raise MissingPartError("the extension is not in this installation", mend="use a checkout of teletwin")
    command = [isaac_python(environment), str(script), *script_arguments(options)]
    sys.stdout.flush()
    become(command[0], command)
    return 0


def isaac_python(environment: Mapping[str, str]) -> str:
    """The interpreter that has Isaac Sim: this one, or that of the folder named by the environment.

    Raises:
        MissingPartError: Neither is there.
    """
    if importlib.util.find_spec("isaacsim") is not None:
        return sys.executable
    named = {name: Path(environment[name]) for name in FOLDERS if environment.get(name)}
    for folder in named.values():
        starter = folder / ("python.bat" if os.name == "nt" else "python.sh")
        if starter.is_file():
            return str(starter)
    given = ", ".join(f"{name}={folder}" for name, folder in named.items()) or f"none of {', '.join(FOLDERS)} is set"
    raise MissingPartError("no Isaac Sim is found", given=given, allowed="Isaac Sim 5.1 or 6.0", mend=_HOW)


def script_arguments(options: RunOptions) -> list[str]:
    """What scripts/isaac_twin.py is told; what only Isaac Sim knows goes to Kit as settings."""
    _refuse_unheard(options)
    told = ["--role", "twin", "--bind", options.bind, "--operator", options.operator, "--arm", options.arm]
    told += ["--session-name", options.session_name] if options.session_name != SESSION_NAME else []
    secret_file = options.session_secret_file and str(Path(options.session_secret_file).absolute())
    told += ["--session-secret-file", secret_file] if secret_file else []
    told += ["--record-path", options.record] if options.record else []
    told += ["--duration", str(options.duration)] if options.duration else []
    told += ["--headless"] if options.headless else []
    allocation = options.session.allocation
    known = {name: getattr(options.session, name) for name in (*_PICTURE, *_LIMITS)}
    known |= {name: getattr(options.session.network, name) for name in _NETWORK}
    is_file = allocation.allocator == "ppo" and allocation.allocator_file
    known["allocator"] = allocation.allocator_file if is_file else allocation.allocator or "off"
    known["compute_share"] = allocation.compute_share
    return told + [f"--/exts/teletwin/{name}={value}" for name, value in known.items()]


def _refuse_unheard(options: RunOptions) -> None:
    """What was asked for must not be lost on the way, a limit least of all."""
    plain, network = SessionCfg(), {name: getattr(NetworkCfg(), name) for name in _NETWORK}
    lost = [name for name in _HERE_ALONE if getattr(options.session, name) != getattr(plain, name)]
    lost += ["network"] if dataclasses.replace(options.session.network, **network) != plain.network else []
    lost += [name for name in ("clock_offset_ms", "clock_drift_ppm", "session_secret_prompt") if getattr(options, name)]
    lost += ["audit_log"] if options.audit_log not in ("auto", "off", "") else []
    if lost:
        raise ConfigError(
            "Isaac Sim's twin does not take these options",
            given=", ".join("--" + name.replace("_", "-") for name in lost),
            allowed="picture, allocator, motion limits, silence, and of the network delay, jitter and loss",
            mend="leave them out, or run the embedded twin (without --sim isaac); Isaac Sim's tick rate is"
            " --/exts/teletwin/physics_rate_hz",
        )
