"""When everything happens in one session on one network, without motion: packets, commands, states.

What a policy chooses does not change when packets travel, so the times are worked out once for a network, by the
runtime's own delay lines and estimates, in the order of `session.virtual`: slot, twin tick, picture, servo tick.
The environment's step only looks them up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teletwin.arm.transit import MeanTransit
from teletwin.clock import NS_PER_MS, NS_PER_S
from teletwin.geometry import Array
from teletwin.link.delay import hop_seed
from teletwin.session.build import RESAMPLING
from teletwin_training.horizon.conditions import HOPS, Schedule
from teletwin_training.horizon.hop import LOST, Hop, newest_at

TICK_NS = 2 * NS_PER_MS
"""Period of the control function and of the servo loop."""
SLOT_NS = 10 * NS_PER_MS
TICKS_PER_SLOT = SLOT_NS // TICK_NS
_REPORT_TICKS = 4
"""Arm states and twin statuses are sent every 8 ms."""
_SILENCE_NS = 80 * NS_PER_MS
_FORGET_NS = 100 * NS_PER_MS
"""After this long without commands the resampler goes back to them on a blend."""

FOLLOW, HOLD, RESUME = 1, 2, 3
"""What the arm does in a tick: nothing yet (0), follow, hold, follow again after a long silence."""

Ints = NDArray[np.int32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Timing:
    """Times of one session; ticks k of 2 ms, slots s of 10 ms, both from the session's start."""

    packet: Ints
    """(K,) slot of the newest packet that the twin has at tick k; -1 for none."""
    is_fresh: NDArray[np.bool_]
    """(K,) whether the twin heard a packet, and a state of the arm, within its silence limit."""
    downstream_s: Array
    """(K,) what the twin believes of the way to the arm [s], the arm's own lag not in it."""
    arm_mode: Ints
    """(K,) nothing yet, FOLLOW, HOLD or RESUME."""
    left: Ints
    """(K,) command (its tick) that the servo tick plays from."""
    right: Ints
    """(K,) command that it plays to; the same as left where the newest is continued."""
    ahead_s: Array
    """(K,) time beyond the left command [s]."""
    span_s: Array
    """(K,) time between the two commands [s]; 0 where the newest is continued."""
    transit_s: Array
    """(K,) from a command to the servo tick that plays it [s], on average."""
    aol_s: Array
    """(S,) Age of Loop as the operator knows it [s]; -1 unknown, as below."""
    uplink_age_s: Array
    """(S,) age of packets on arrival at the twin, newest known [s]."""
    link_control_s: Array
    """(S,) measured T_control without the arm's lag, newest known [s]."""

    @property
    def slot_count(self) -> int:
        """Number of slots S."""
        return len(self.aol_s)


def time_session(schedule: Schedule, *, seed: int, duration_s: float) -> Timing:
    """Times of a session on this network, as a live one with this seed meets them (its clock stamps aside)."""
    slots = round(duration_s * NS_PER_S) // SLOT_NS
    ticks_ns = TICK_NS * np.arange(slots * TICKS_PER_SLOT, dtype=np.int64)
    hops = {name: Hop(schedule[name], hop_seed(seed, *HOPS[name])) for name in ("up", "down", "command", "state")}

    up_ns = hops["up"].offer_all(SLOT_NS * np.arange(slots, dtype=np.int64))
    packet = newest_at(up_ns, ticks_ns)
    state_ticks = ticks_ns[::_REPORT_TICKS]
    state_ns = _states(hops["state"], state_ticks)
    state = newest_at(state_ns, ticks_ns)
    is_fresh = _hears(ticks_ns, up_ns, packet) & _hears(ticks_ns, state_ns, state)

    command_ns = _commands(hops["command"], ticks_ns, state_ns)
    command = newest_at(command_ns, ticks_ns)
    age_ns = np.where(command >= 0, command_ns[command] - ticks_ns[command], -1)
    held = _held(ticks_ns, command_ns, command, is_fresh)
    engaged = ((command >= 0) & ~held)[::_REPORT_TICKS]
    downstream_s = _command_ages(state_ticks, age_ns[::_REPORT_TICKS], engaged, state_ns, state, len(ticks_ns))

    play: dict[str, Any] = _play(ticks_ns, command_ns, command, held, downstream_s)
    known: dict[str, Any] = _known(
        hops["down"], ticks_ns, state, command[::_REPORT_TICKS], packet, is_fresh, up_ns, downstream_s
    )
    return Timing(packet=packet, is_fresh=is_fresh, downstream_s=downstream_s, **play, **known)


def _states(hop: Hop, sent_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Arrivals (n,) [ns] of arm states: the arm's tick comes after the twin's; each second it sends its counts too."""
    arrivals_ns = np.empty_like(sent_ns)
    for index, t_ns in enumerate(sent_ns.tolist()):
        if t_ns % NS_PER_S == 0:
            hop.offer(t_ns)
        arrivals_ns[index] = max(hop.offer(t_ns), t_ns + NS_PER_MS)
    return arrivals_ns


def _commands(hop: Hop, ticks_ns: NDArray[np.int64], state_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Arrivals (K,) [ns] of the commands: one a tick from the first that knows where the arm is."""
    arrivals_ns = np.full(len(ticks_ns), LOST, dtype=np.int64)
    first = int(np.searchsorted(ticks_ns, state_ns.min()))
    arrivals_ns[first:] = hop.offer_all(ticks_ns[first:])
    return arrivals_ns


def _hears(ticks_ns: NDArray[np.int64], arrivals_ns: NDArray[np.int64], newest: Ints) -> NDArray[np.bool_]:
    """Whether the newest message (K,) was taken within the silence limit; it is taken at the tick after it came."""
    taken = -(-arrivals_ns[newest] // TICK_NS) * TICK_NS
    return (newest >= 0) & (ticks_ns - taken <= _SILENCE_NS)


def _command_ages(
    sent_ns: NDArray[np.int64],
    age_ns: NDArray[np.int64],
    engaged: NDArray[np.bool_],
    arrivals_ns: NDArray[np.int64],
    newest: Ints,
    tick_count: int,
) -> Array:
    """The twin's average age of commands (K,) [s] from the states that reached it; see twin.downstream."""
    average = np.zeros(len(sent_ns))
    link_s, last_ns = 0.0, 0
    facts = zip(sent_ns.tolist(), (age_ns * 1e-9).tolist(), engaged.tolist(), arrivals_ns.tolist(), strict=True)
    for index, (t_ns, age_s, is_engaged, arrived_ns) in enumerate(facts):
        if arrived_ns != LOST and is_engaged:
            dt_s = min(max((t_ns - last_ns) * 1e-9, 0.0), 0.1)
            last_ns = t_ns
            link_s += (age_s - link_s) * (1.0 if link_s == 0.0 else dt_s / (1.0 + dt_s))
        average[index] = link_s
    return np.where(newest >= 0, average[newest], 0.0) if len(average) else np.zeros(tick_count)


def _play(
    ticks_ns: NDArray[np.int64],
    arrivals_ns: NDArray[np.int64],
    newest: Ints,
    held: NDArray[np.bool_],
    downstream_s: Array,
) -> dict[str, Any]:
    """Which commands each servo tick plays; see arm.resample."""
    holds_ns = ticks_ns + (1e9 * downstream_s).astype(np.int64)
    kept = _played(arrivals_ns, holds_ns)
    transit_ns, resumes = _transits(kept, arrivals_ns, holds_ns)
    order = np.searchsorted(arrivals_ns[kept], ticks_ns, side="right") - 1  # newest command, counted in those kept
    has = order >= 0
    mean_ns = np.where(has, transit_ns[np.maximum(order, 0)], 0.0)
    play_ns = ticks_ns - mean_ns
    left = np.minimum(np.searchsorted(holds_ns[kept], play_ns, side="right") - 1, order)
    fresh = np.maximum.accumulate(np.where(resumes, np.arange(len(kept)), 0))  # a long silence ends what was before
    left = np.maximum(left, fresh[np.maximum(order, 0)])
    right = np.minimum(left + 1, np.maximum(order, 0))
    left_k, right_k = kept[left].astype(np.int32), kept[right].astype(np.int32)
    ahead_s = np.maximum((play_ns - holds_ns[left_k]) * 1e-9, 0.0)
    return {
        "arm_mode": _arm_mode(held, newest, resumes, order),
        "left": left_k,
        "right": right_k,
        "ahead_s": ahead_s,
        "span_s": (holds_ns[right_k] - holds_ns[left_k]) * 1e-9,
        "transit_s": mean_ns * 1e-9 + downstream_s,
    }


def _played(arrivals_ns: NDArray[np.int64], holds_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Commands (n,) that are used: those that arrive and hold later than all before."""
    kept = np.flatnonzero(arrivals_ns != LOST)
    newest_ns = np.maximum.accumulate(holds_ns[kept])
    return kept[np.diff(newest_ns, prepend=-NS_PER_S) > 0]


def _transits(
    kept: NDArray[np.int64], arrivals_ns: NDArray[np.int64], holds_ns: NDArray[np.int64]
) -> tuple[Array, NDArray[np.bool_]]:
    """Mean transit [ns] after each command that arrived, and whether it ended a long silence."""
    mean = MeanTransit(RESAMPLING.transit)
    out, resumes = np.zeros(len(kept)), np.zeros(len(kept), dtype=np.bool_)
    last_ns = 0
    for index, (arrived_ns, hold_ns) in enumerate(
        zip(arrivals_ns[kept].tolist(), holds_ns[kept].tolist(), strict=True)
    ):
        out[index] = mean.update(arrived_ns - hold_ns, elapsed_ns=arrived_ns - last_ns)
        resumes[index] = index > 0 and arrived_ns - last_ns > _FORGET_NS
        last_ns = arrived_ns
    return out, resumes


def _held(
    ticks_ns: NDArray[np.int64], arrivals_ns: NDArray[np.int64], newest: Ints, twin_is_fresh: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Servo ticks (K,) at which the arm is held: commands are silent, or tell that packets or the arm's states are."""
    return ~_hears(ticks_ns, arrivals_ns, newest) | ~twin_is_fresh[np.maximum(newest, 0)]


def _arm_mode(held: NDArray[np.bool_], newest: Ints, resumes: NDArray[np.bool_], order: NDArray[np.int64]) -> Ints:
    """What the arm does at each servo tick; see session.arm."""
    mode = np.where(held, HOLD, FOLLOW).astype(np.int32)
    ended = np.concatenate([[0], np.cumsum(resumes)])[order + 1]  # long silences that commands have ended by now
    mode[(np.diff(ended, prepend=0) > 0) & (mode == FOLLOW)] = RESUME
    mode[newest < 0] = 0
    return mode


def _known(
    down: Hop,
    ticks_ns: NDArray[np.int64],
    state: Ints,
    state_command: Ints,
    packet: Ints,
    is_fresh: NDArray[np.bool_],
    up_ns: NDArray[np.int64],
    downstream_s: Array,
) -> dict[str, Any]:
    """What the operator knows at each slot, from the newest status that reached it; see session.operator."""
    first = int(np.argmax(state >= 0)) if (state >= 0).any() else len(ticks_ns)
    sent = np.arange(first, len(ticks_ns), _REPORT_TICKS)
    arrivals_ns = np.maximum(down.offer_all(ticks_ns[sent]), ticks_ns[sent] + NS_PER_MS)  # the slot comes first
    slots_ns = ticks_ns[::TICKS_PER_SLOT]
    status = newest_at(arrivals_ns, slots_ns)
    tick = sent[np.maximum(status, 0)] if len(sent) else np.zeros(len(slots_ns), dtype=np.int64)
    followed = packet[np.maximum.accumulate(np.where(is_fresh, np.arange(len(packet)), 0))]  # on hold, none is bound
    bound = followed[np.maximum(state_command[np.maximum(state[tick], 0)], 0)]
    is_known = (status >= 0) & (state_command[np.maximum(state[tick], 0)] >= 0) & (bound >= 0)
    uplink_s = (up_ns[np.maximum(packet[tick], 0)] - SLOT_NS * packet[tick].astype(np.int64)) * 1e-9
    return {
        "aol_s": np.where(is_known, (slots_ns - SLOT_NS * bound.astype(np.int64)) * 1e-9, -1.0),
        "uplink_age_s": np.where(is_known, uplink_s, -1.0),
        "link_control_s": np.where(is_known, uplink_s + downstream_s[tick], -1.0),
    }
