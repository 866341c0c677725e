"""A live loop on the virtual clock that notes what training works out beforehand, and the same as training has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

import numpy as np

from teletwin.arm.simulated import SimulatedArmCfg
from teletwin.clock import NS_PER_MS, NS_PER_S
from teletwin.geometry import Array
from teletwin.hand.recording import HandRecording
from teletwin.hand.replay import ReplayHand
from teletwin.messages import ArmState, LinkSettings, Mode
from teletwin.session.config import NetworkCfg, SessionCfg
from teletwin.session.virtual import VirtualSession
from teletwin.twin.worth import ForecastWorth, WorthCfg
from teletwin_training.horizon.conditions import HOPS, Schedule
from teletwin_training.horizon.hands import HandBank
from teletwin_training.horizon.loops import DelayedLoops, LoopsCfg, Places, plain_settings
from teletwin_training.horizon.pictures import PictureRun, time_pictures
from teletwin_training.horizon.sessions import START_SLOT, SessionBank
from teletwin_training.horizon.tables import recorded_tables
from teletwin_training.horizon.timing import SLOT_NS, TICKS_PER_SLOT, Timing, time_session

SEED = 5
LATE = np.array([0.0, 0.0, 0.0, 0.0, 1.0, 1.0])
"""Horizons of the late bound rule."""


def steady(delay_ms: float, jitter_ms: float = 0.0) -> Schedule:
    return {hop: [(0, LinkSettings(delay_ms=delay_ms, jitter_ms=jitter_ms))] for hop in HOPS}


def with_outages(schedule: Schedule, outages: Mapping[str, Sequence[tuple[float, float]]]) -> Schedule:
    """A steady network that loses everything on some hops from a time on for a while [s]."""
    changed = dict(schedule)
    for hop, silences in outages.items():
        usual = schedule[hop][0][1]
        changed[hop] = [(0, usual)]
        for start_s, duration_s in silences:
            changed[hop].append((round(start_s * NS_PER_S), replace(usual, loss=1.0)))
            changed[hop].append((round((start_s + duration_s) * NS_PER_S), usual))
    return changed


@dataclass(eq=False)
class Noted:
    """What happened, with times from the session's start [ns]."""

    packets: list[int] = field(default_factory=list)
    """Slot of the newest packet at each tick of the twin."""
    downstream_s: list[float] = field(default_factory=list)
    known: list[tuple[float, float, float, float]] = field(default_factory=list)
    """Age of Loop, age of packets, T_control and T_render [s] that the policy saw in each slot."""
    begun: list[tuple[int, int, float]] = field(default_factory=list)
    """Begin, slot of the packet and way to the screen [s] of each picture."""
    drawn: list[tuple[int, int]] = field(default_factory=list)
    """Number and time of each picture that was seen."""
    joints: dict[int, Array] = field(default_factory=dict)


class NoInterlock:
    """Stands in for a restart interlock: training begins where a person has engaged and nothing has failed."""

    spent_act, outage, is_armed, restart_after_ns = 0, "", True, 0

    def hear(self, act: int) -> None:
        """Take any act for a fresh one."""

    def notice_silence(self, silence_ns: int, who: str) -> None:
        """Bear every silence: it is at most a hold."""

    def spend(self, why: str) -> None:
        """Spend nothing."""

    def allows(self, act: int) -> bool:
        return True


class NotedSession:
    """Runs the live loop with its network changed on schedule.

    Args:
        schedule: Settings of every hop over time.
        hand: Poses on the grid of slots.
        knows_clocks: The roles know that their clocks are one, instead of finding out.
        learns_servo_lag: The twin learns the arm's lag, instead of staying with its first guess.
        physics: The arm has masses and drives.
        has_pictures: Pictures are made; the arm does not see them.
        settle_s: Errors count from here on.
        cfg: Other settings of the session.
    """

    def __init__(
        self,
        schedule: Schedule,
        hand: HandRecording,
        *,
        knows_clocks: bool = False,
        learns_servo_lag: bool = False,
        physics: bool = False,
        has_pictures: bool = True,
        settle_s: float = 3.0,
        **cfg,
    ) -> None:
        self.schedule, self.noted = schedule, Noted()
        first = schedule["up"][0][1]
        network = NetworkCfg(delay_ms=first.delay_ms, jitter_ms=first.jitter_ms, loss=first.loss)
        self.live = VirtualSession(
            SessionCfg(network=network, seed=SEED, **cfg),
            hand=ReplayHand(hand, loop=False),
            arm=SimulatedArmCfg(physics=physics),
            settle_s=settle_s,
            log=self._log,
        )
        self._start_ns = self.live.clock.now_ns()
        if knows_clocks:
            for link in self.live.links.values():
                link.offset_ns = lambda peer: 0
                link._endpoint.offset_ns = lambda peer, t_ns: 0
        if not learns_servo_lag:
            self._keep_first_guess()
        self._engage_from_the_start()
        self._trust_forecasts()
        self._note_twin()
        self._note_operator()
        self._note_pictures()
        if not has_pictures:
            self.live.renderer.wants_frame = lambda now_ns: False

    def _log(self, role, message, t_log_ns, t_publish_ns) -> None:
        if role == "arm" and isinstance(message, ArmState):
            self.noted.joints[message.t_ns - self._start_ns] = message.q

    def _keep_first_guess(self) -> None:
        downstream = self.live.twin._control.downstream
        reported, guess_s = downstream.reported, downstream.servo_lag_s

        def only_the_link(*values, **named) -> None:
            reported(*values, **named)
            downstream.servo_lag_s = guess_s

        downstream.reported = only_the_link

    def _engage_from_the_start(self) -> None:
        """A session waits for the arm, and for a person after an outage; what training foretells does not."""
        live = self.live
        live.twin._in_force = live.arm._in_force = None  # three datagrams a second, which shift the network's draws
        live.twin._control.interlock = live.arm.commands.interlock = NoInterlock()  # type: ignore[assignment]
        operator = live.operator
        operator.state.intent.press(Mode.ENGAGED)
        operator.state.intent.withdraw = lambda why, by_silence=False: None
        operator._asked = lambda: Mode.ENGAGED

    def _trust_forecasts(self) -> None:
        """Live, forecasts are followed as far as they were worth it, and errors count once the arm has come near."""
        whole = WorthCfg(trust_m=1e6, trust_rad=1e6)
        self.live.twin._control.worth = ForecastWorth(whole)
        self.live.renderer._rendering.worth = ForecastWorth(whole)
        measured = self.live.metrics.arm_measured
        self.live.metrics.arm_measured = lambda t_ns, status: measured(t_ns, replace(status, is_approaching=False))

    def _note_twin(self) -> None:
        twin = self.live.twin
        tick, control = twin.tick, twin._control

        def noted_tick(now_ns, late_ns=0) -> None:
            tick(now_ns, late_ns)
            packet = control._path._stream.packet
            self.noted.packets.append(-1 if packet is None else (packet.t_ns - self._start_ns) // SLOT_NS)
            self.noted.downstream_s.append(control.downstream.link_s)

        twin.tick = noted_tick

    def _note_operator(self) -> None:
        operator = self.live.operator
        observe, drawn = operator._observe, operator.drawn

        def noted_observe(now_ns, window):
            seen = observe(now_ns, window)
            self.noted.known.append((seen.aol_s, seen.uplink_age_s, seen.control_delay_s, seen.display_delay_s))
            return seen

        def noted_drawn(frame_id, t_ns, **named) -> None:
            self.noted.drawn.append((frame_id, t_ns - self._start_ns))
            drawn(frame_id, t_ns, **named)

        operator._observe, operator.drawn = noted_observe, noted_drawn

    def _note_pictures(self) -> None:
        renderer = self.live.renderer
        begin = renderer.begin

        def noted_begin(now_ns):
            started = begin(now_ns)
            packet = (started.shown.pose_t_ns - self._start_ns) // SLOT_NS
            way_s = renderer._make_s + renderer._downlink_s
            self.noted.begun.append((now_ns - self._start_ns, packet, way_s))
            return started

        renderer.begin = noted_begin

    def run(self, duration_s: float) -> NotedSession:
        changes = sorted(
            (-(-t_ns // NS_PER_MS) * NS_PER_MS, hop, settings)
            for hop, settings_of in self.schedule.items()
            for t_ns, settings in settings_of[1:]
        )
        now_ns = 0
        for t_ns, due in groupby((c for c in changes if c[0] < duration_s * NS_PER_S), key=lambda change: change[0]):
            self.live.run((t_ns - now_ns) / NS_PER_S)
            now_ns = t_ns
            for _, hop, settings in due:
                sender, receiver = HOPS[hop]
                self.live.links[receiver].set_link(sender, settings)
        self.live.run(duration_s - now_ns / NS_PER_S)
        return self


@dataclass(eq=False)
class Foretold:
    """The same session as training works it out."""

    timing: Timing
    pictures: PictureRun
    bank: SessionBank


def foretell(schedule: Schedule, duration_s: float) -> Foretold:
    timing = time_session(schedule, seed=SEED, duration_s=duration_s)
    run = PictureRun(schedule, timing, seed=SEED)
    run.run()
    return Foretold(timing=timing, pictures=run, bank=foretold_bank([schedule], duration_s))


def foretold_bank(schedules: Sequence[Schedule], duration_s: float) -> SessionBank:
    timings = [time_session(schedule, seed=SEED, duration_s=duration_s) for schedule in schedules]
    pictures = [time_pictures(s, timing, seed=SEED) for s, timing in zip(schedules, timings, strict=True)]
    return SessionBank(
        conditions=tuple(str(number) for number in range(len(schedules))),
        timings=tuple(timings),
        pictures=tuple(pictures),
        delays=np.zeros((len(schedules), timings[0].slot_count, 1)),
        rule_control_s=np.stack([timing.link_control_s for timing in timings]),
        display_s=np.stack([each.display_delay_s for each in pictures]),
        aol_s=np.stack([timing.aol_s for timing in timings]),
    )


def loops_of(
    hands: HandBank, bank: SessionBank, horizons: Array, *, arm: str, stock: bool = False, causal: bool = True
) -> DelayedLoops:
    """Loops with horizons (N, 6) whose hands are at slot START_SLOT of the recording and of session 0."""
    count = len(horizons)
    settings = plain_settings(count, feed_forward=not stock)
    loops = DelayedLoops(recorded_tables(hands, bank), settings, LoopsCfg(arm=arm, causal=causal))
    at_start = np.full(count, START_SLOT)
    loops.place(
        Places(
            rows=np.arange(count),
            first_row=at_start,
            session=np.zeros(count, dtype=np.int64),
            first_slot=at_start,
            horizons=horizons,
        )
    )
    return loops


def joint_differences(noted: Noted, loops: DelayedLoops, horizons: Array, *, end_slot: int) -> dict[int, float]:
    """Largest difference of a joint [rad] between a live session and the first of some loops, by slot."""
    apart: dict[int, float] = {}
    for slot in range(START_SLOT, end_slot):
        loops.step(horizons)
        t_ns = slot * SLOT_NS + (TICKS_PER_SLOT - 1) * 2 * NS_PER_MS  # the joints after the slot's last tick
        if t_ns in noted.joints:
            apart[slot] = float(np.abs(noted.joints[t_ns] - loops._parts[0].joints[0]).max())
    return apart


def root_mean_squares(loops: DelayedLoops, horizons: Array, *, first_slot: int, end_slot: int) -> Array:
    """Errors (N, 4) from first_slot on: position [m] and orientation [rad] of the arm, then of the picture."""
    total = np.zeros((loops.count, 6))
    for slot in range(START_SLOT, end_slot):
        errors = loops.step(horizons)
        if slot >= first_slot:
            total += errors
    return np.sqrt(total[:, [0, 1, 3, 4]] / total[:, [2, 2, 5, 5]])
