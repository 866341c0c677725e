"""The rate at which this computer carries the loop, measured before its roles start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from teletwin.arm.motion import JointMotion
from teletwin.clock import NS_PER_MS, NS_PER_S, Clock
from teletwin.robot.ur3e import HOME_Q
from teletwin.session.config import SessionCfg

RATES_HZ = (500.0, 250.0, 125.0)
"""Rates to choose from; the arm's error at the slowest is that at the fastest (60 ± 10 ms each way)."""
_TICK_CYCLES = 52
"""A tick of the twin and one of the arm together take as long as so many cycles of a controller's reference."""
_SHARE = 0.4
"""Of all cores, for twin and arm: pages, pictures and their browser need the rest."""
_CYCLES, _PAUSE_NS = 150, NS_PER_MS


def carried_rate_hz(cycle_s: float, cores: int) -> float:
    """The fastest of RATES_HZ that leaves the other roles their share where a reference's cycle takes cycle_s [s]."""
    fitting = [rate for rate in RATES_HZ if _TICK_CYCLES * cycle_s * rate <= _SHARE * cores]
    return max(fitting, default=min(RATES_HZ))


def measure_cycle_s(clock: Clock) -> float:
    """How long a cycle of a controller's reference takes on this computer [s], as a loop finds it after its pause."""
    motion, took_ns = JointMotion(), []
    motion.reset(HOME_Q)
    for number in range(_CYCLES):
        clock.sleep_until(clock.now_ns() + _PAUSE_NS)  # other programs have the caches meanwhile
        start_ns = clock.now_ns()
        motion.servo(HOME_Q + 0.05 * np.sin(0.01 * number), lookahead_s=0.03, gain=1200.0, steps=1)
        motion.step()
        took_ns.append(clock.now_ns() - start_ns)
    return float(np.median(took_ns)) / NS_PER_S


def paced(session: SessionCfg, clock: Clock, say: Callable[[str], None] = lambda _: None) -> SessionCfg:
    """The session at the rate that this computer carries, no faster than asked for; says so where it is slower.

    A real robot's rate is its own.
    """
    if session.is_real:
        return session
    from teletwin.twin.rmpflow.launch import usable_cores  # the twin's room, which nobody else here needs

    rate_hz = carried_rate_hz(measure_cycle_s(clock), usable_cores())
    if rate_hz >= max(session.control_rate_hz, session.servo_rate_hz):
        return session
    say(f"this computer carries the loop at {rate_hz:g} Hz (--no-pace: as fast as asked for)")
    return replace(
        session,
        control_rate_hz=min(session.control_rate_hz, rate_hz),
        servo_rate_hz=min(session.servo_rate_hz, rate_hz),
    )
