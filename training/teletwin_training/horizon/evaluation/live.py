"""The live loop beside what the environment says of it: same hand, same network settings, same policy."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from teletwin.bounded import read_json
from teletwin.errors import TeletwinError
from teletwin.horizon.policy_file import load_policy
from teletwin.messages import LinkSettings
from teletwin_training.horizon.conditions import HOPS
from teletwin_training.horizon.evaluation.methods import Method, policy_method
from teletwin_training.horizon.hands import PAST_SLOTS, HandBank, load_hands
from teletwin_training.horizon.loops import LoopsCfg
from teletwin_training.horizon.probe import SETTLE_SLOTS, Run, mean_squares, measure
from teletwin_training.horizon.sessions import START_SLOT, SessionBank, bank_of_schedules

_COMMAND = "import sys; from teletwin.cli import main; sys.exit(main(sys.argv[1:]))"
ARMS = ("rmpflow", "lag")
"""What the environment takes for the arm: joint space with RMPflow and the limits, or a lag."""


@dataclass(frozen=True, kw_only=True)
class LiveCfg:
    """One live session."""

    hand: str = "handwriting"
    policy: str = ""
    """Policy file."""
    delay_ms: float = 50.0
    jitter_ms: float = 10.0
    duration_s: float = 40.0
    seed: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Live and predicted errors."""

    hand: str
    live_control_mm: float
    live_display_mm: float
    predicted_mm: dict[str, tuple[float, float]]
    """Kind of arm to (arm's, picture's) position error [mm]."""
    late_tick_share: float
    """Share of 500 Hz ticks, of twin and arm, that started more than 2 ms late."""
    tick_hz: float
    """Ticks of the control function a second."""


def measure_agreement(cfg: LiveCfg) -> Agreement:
    """Run the demo without a browser, then ask the environment for the same.

    Raises:
        TeletwinError: The demo did not measure anything.
    """
    results = _live(cfg)
    method = policy_method("policy", load_policy(cfg.policy))
    hands = load_hands([cfg.hand], forecaster=method.forecaster, longest_s=cfg.duration_s)
    predicted = {arm: _predicted(cfg, method, hands, arm) for arm in ARMS}
    loops = [results["control_loop"] or {}, results["arm_loop"] or {}]
    ticks = sum(int(loop.get("tick_count", 0)) for loop in loops)
    late = sum(int(loop.get("overrun_count", 0)) for loop in loops)
    return Agreement(
        hand=hands.names[0],
        live_control_mm=1e3 * float(results["control_rmse"]["position_m"]),
        live_display_mm=1e3 * float(results["display_rmse"]["position_m"]),
        predicted_mm=predicted,
        late_tick_share=late / max(ticks, 1),
        tick_hz=float(loops[0].get("tick_count", 0)) / float(results["duration_s"]),
    )


def _live(cfg: LiveCfg) -> dict[str, Any]:
    """Results of `teletwin demo --headless`."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "live.json"
        options = ["--headless", "--duration", f"{cfg.duration_s:g}", "--report", str(report), "--port", "0"]
        options += ["--hand", cfg.hand, "--policy", cfg.policy, "--seed", str(cfg.seed)]
        options += ["--delay-ms", f"{cfg.delay_ms:g}", "--jitter-ms", f"{cfg.jitter_ms:g}"]
        command = [sys.executable, "-c", _COMMAND, "demo", *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0 or not report.is_file():
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise TeletwinError("the live session did not measure anything", given=reason)
        return read_json(report)["results"]


def _predicted(cfg: LiveCfg, method: Method, hands: HandBank, arm: str) -> tuple[float, float]:
    """Errors (arm, picture) [mm] over the stretch that the live session judged, as nearly as slots allow."""
    settings = LinkSettings(delay_ms=cfg.delay_ms, jitter_ms=cfg.jitter_ms)
    schedule = {hop: [(0, settings)] for hop in HOPS}
    slots = int(hands.slot_count[0]) - PAST_SLOTS - SETTLE_SLOTS - 100
    sessions: SessionBank = bank_of_schedules(
        [schedule], seeds=[cfg.seed], names=["live"], duration_s=0.01 * (START_SLOT + SETTLE_SLOTS + slots + 200)
    )
    runs: Sequence[Run] = [Run(hand=0, session=0, stock=method.stock)]
    choose = method.make(hands, sessions, np.zeros(1, dtype=np.int64))
    loops = LoopsCfg(arm=arm, causal=True)
    squares = mean_squares(measure(hands, sessions, runs, choose, slots=slots, loops=loops))[0]
    return 1e3 * float(np.sqrt(squares[0])), 1e3 * float(np.sqrt(squares[2]))
