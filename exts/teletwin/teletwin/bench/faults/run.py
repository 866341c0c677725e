"""One seeded run with faults on the virtual clock, without pictures."""

from __future__ import annotations

import dataclasses
from typing import Any

from teletwin.bench.faults.judge import judge_set_points, resume_overshoot
from teletwin.bench.faults.plan import HOPS, Change, FaultPlan, draw_plan
from teletwin.bench.faults.watch import RunWatch
from teletwin.clock import NS_PER_S
from teletwin.hand import HandSource
from teletwin.messages import Mode, Note, PoseSample
from teletwin.session.build import build_hand
from teletwin.session.config import NetworkCfg, SessionCfg
from teletwin.session.virtual import VirtualSession


class StoppableHand:
    """A hand that stops dead where it is when told."""

    def __init__(self, hand: HandSource) -> None:
        self._hand, self.is_stopped = hand, False
        self._last: PoseSample | None = None

    def poll(self, now_ns: int) -> list[PoseSample]:
        """Samples up to now_ns [ns]."""
        samples = self._hand.poll(now_ns)
        if self.is_stopped and self._last is not None:
            still = self._last.pose
            return [PoseSample(t_ns=each.t_ns, pose=still, input_seq=each.input_seq) for each in samples]
        self._last = samples[-1] if samples else self._last
        return samples


def run_seed(seed: int, *, seconds: float = 5.0) -> dict[str, Any]:
    """Run one plan; counts, silences [ms] and the way back [mm]."""
    return run_plan(draw_plan(seed, seconds=seconds))


def run_plan(plan: FaultPlan) -> dict[str, Any]:
    """Run a plan; see `run_seed`."""
    run = _Run(plan)
    for change in plan.changes:
        run.go_on(change.at_s)
        run.apply(change)
    run.go_on(plan.length_s)
    return run.results()


class _Run:
    """The session while its plan unfolds."""

    def __init__(self, plan: FaultPlan) -> None:
        self._plan, self._mode = plan, Mode.ENGAGED
        network: dict[str, Any] = dataclasses.asdict(plan.network)
        limits: dict[str, Any] = plan.limits
        session = SessionCfg(
            hand=plan.hand, forecaster=plan.forecaster, network=NetworkCfg(**network), seed=plan.seed, **limits
        )
        self._hand = StoppableHand(build_hand(session))
        self.virtual = VirtualSession(
            session,
            hand=self._hand,
            clock_offsets_ms=plan.offsets_ms,
            clock_drifts_ppm=plan.drifts_ppm,
            renders=False,
        )
        self._watch = RunWatch(self.virtual)
        self._start_ns = self.virtual.clock.now_ns()
        self._resumed_ns = 0

    def go_on(self, to_s: float) -> None:
        """Run to a time of the plan [s]."""
        left_s = to_s - (self.virtual.clock.now_ns() - self._start_ns) / NS_PER_S
        if left_s > 0.0:
            self.virtual.run(left_s, mode=self._mode)

    def apply(self, change: Change) -> None:
        """What happens now."""
        virtual = self.virtual
        for name, settings in (change.hops or {}).items():
            for receiver, sender in HOPS[name]:
                virtual.links[receiver].set_link(sender, settings)
        for role, step_s in (change.steps_s or {}).items():
            virtual.clocks[role].step(round(step_s * NS_PER_S))
        if change.limits is not None:
            wish = {**change.limits, "t_ns": virtual.clocks["operator"].now_ns()}
            virtual.links["operator"].send_reliable("twin", Note(kind="limits", values=wish))
        self._mode = self._mode if change.mode is None else change.mode
        self._hand.is_stopped |= change.stops_hand
        if change.resumes:
            self._resumed_ns = virtual.clock.now_ns()

    def results(self) -> dict[str, Any]:
        """What the run was and what it showed."""
        plan, points, silences = self._plan, self._watch.set_points, self._watch.silences
        way = resume_overshoot(points, self._resumed_ns)
        return {
            "seed": plan.seed,
            "virtual_s": plan.length_s,
            "set_points": len(points),
            "violations": judge_set_points(points),
            "to_hold_ms": {hop: each.to_hold_ms for hop, each in silences.items() if hop != "down"},
            "longest_engaged_ms": {hop: each.longest_engaged_ms for hop, each in silences.items() if hop != "down"},
            "resume": way,
            "network_loss": {role: link.counters()["imitated_loss"] for role, link in self.virtual.links.items()},
        }
