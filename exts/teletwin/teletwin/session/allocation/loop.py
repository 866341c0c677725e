"""The allocator of a running session: measures, divides, plans, ten times a second, in the renderer's process."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from teletwin.allocation import Allocator
from teletwin.clock import NS_PER_MS, NS_PER_S
from teletwin.link.fragments import payload_within, wire_bytes
from teletwin.messages import FrameAck, Note, ViewSettings
from teletwin.session.allocation.ages import Ages
from teletwin.session.allocation.features import TICK_S, Waiting, features
from teletwin.session.allocation.ladder import MeasuredCosts
from teletwin.session.allocation.link_meter import LinkMeter
from teletwin.session.allocation.plan import PHYSICS_TICKS_S, UPDATE_RATES_HZ, Estimates, Plan, PlanCfg, Planner
from teletwin.session.allocation.work_meter import WorkMeter

FRAME_HEAD_BYTES = 260
"""What a frame's message has beside its picture."""
UPDATE_BYTES = 900
"""What a state of the arm takes on its way to the operator."""
SHARE_RANGE = (0.05, 0.95)
"""No class is starved, whatever the allocator says."""
_TICK_NS = int(TICK_S * NS_PER_S)
_REPEAT_NS = NS_PER_S
_OPEN_MS = 100.0
"""No picture starts while more than this waits on the way ..."""
_PATIENCE_NS = 150 * NS_PER_MS
"""... unless none has left for this long: what waits may be lost."""


FULL_RATES = Note(kind="rates", values={"update_rate_hz": UPDATE_RATES_HZ[1]})
"""For the twin: tell the operator as often as without an allocator."""
OFF_ROW = Note(kind="allocation", values={"allocator": "off"})
"""For the operator: nothing divides any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What a tick asks of the renderer's loop."""

    row: Note | None = None
    """Numbers for the operator."""
    view: ViewSettings | None = None
    """Another picture from now on."""
    physics_tick_s: float | None = None
    """Another step of the shown world."""
    rates: Note | None = None
    """What the twin must be told."""


class LiveAllocation:
    """Told what the renderer's loop does, it answers each tick with what to change.

    Args:
        allocator: Divides link and compute.
        name: The allocator's.
        asked: The picture that the operator asked for: never more than that.
        cfg: How plans change.
        costs: Of pictures on this machine, as far as they are known.
    """

    def __init__(
        self,
        allocator: Allocator,
        *,
        name: str,
        asked: ViewSettings,
        cfg: PlanCfg | None = None,
        costs: MeasuredCosts | None = None,
    ) -> None:
        self._allocator, self.name = allocator, name
        self._link, self._work, self._ages = LinkMeter(), WorkMeter(), Ages()
        self._planner = Planner(asked, payload_bytes=_picture_bytes, cfg=cfg, costs=costs)
        self._shares = (0.5, 0.5)
        self._tick_ns = self._due_ns = self._rates_ns = self._sent_ns = 0
        self._told_hz = self._told_tick_s = 0.0
        self._skip = False
        self.clamped_count = self.refused_count = 0

    @property
    def plan(self) -> Plan:
        """What is in force."""
        return self._planner.plan

    @property
    def shares(self) -> tuple[float, float]:
        """Of link and compute, for pictures."""
        return self._shares

    def use(self, allocator: Allocator, name: str) -> None:
        """Let another allocator divide from the next tick on."""
        self._allocator, self.name = allocator, name

    def ask(self, asked: ViewSettings) -> None:
        """The operator asks for another picture."""
        self._planner.ask(asked)
        self._skip = True

    def refused(self, in_force: ViewSettings) -> None:
        """The picture of a tick could not be made; another one is still in force."""
        self.refused_count += 1
        self._planner.plan = dataclasses.replace(self.plan, view=in_force)

    # What the renderer's loop tells.

    def input(self, t_ns: int) -> None:
        """A packet of the operator's has arrived."""
        self._work.input()
        self._ages.input(t_ns)

    def state(self) -> None:
        """A state of the arm has arrived."""
        self._work.state()

    def begun(self, frame_id: int, *, pose_t_ns: int, now_ns: int, physics_ms: float, steps: int) -> None:
        """A picture was begun: so many steps of the shown world took so long [ms]."""
        self._ages.begun(frame_id, pose_t_ns=pose_t_ns, now_ns=now_ns)
        self._work.physics(physics_ms, steps=steps)

    def made(self, frame_id: int, *, work_ms: float, ready_ns: int) -> None:
        """It was drawn and encoded in so long [ms]; the first one of another size also sets the scene up."""
        self._ages.ready(frame_id, ready_ns)
        if not self._skip:
            self._work.frame(work_ms, relative=self.plan.relative)
        self._skip = False

    def sent(self, frame_id: int, byte_count: int, now_ns: int) -> None:
        """Its picture of so many bytes leaves."""
        self._sent_ns = now_ns
        self._link.sent(frame_id, wire_bytes(FRAME_HEAD_BYTES + byte_count), now_ns)

    def acknowledged(self, ack: FrameAck, t_ns: int) -> None:
        """The operator's word of a frame arrived at t_ns."""
        latency_ms = ack.latency_ms if ack.drawn else 0.0
        self._link.acknowledged(
            ack.frame_id,
            burst_bytes=ack.byte_count,
            span_ms=ack.span_ms,
            arrival_ms=ack.arrival_ms,
            t_ns=t_ns,
        )
        if latency_ms > 0.0:
            age_ms = ack.update_age_ms
            self._ages.drawn(ack.frame_id, latency_ms=latency_ms, update_age_ms=age_ms, now_ns=t_ns)

    def is_open(self, now_ns: int) -> bool:
        """Whether the way has room for another picture."""
        return self._backlog_ms(now_ns) <= _OPEN_MS or now_ns - self._sent_ns >= _PATIENCE_NS

    def _backlog_ms(self, now_ns: int) -> float:
        return 8e3 * self._link.backlog_bytes(now_ns) / self._link.capacity_bps(now_ns)

    # A tick.

    def tick(self, now_ns: int) -> Orders | None:
        """Decide, when a tick is due; None between ticks."""
        if now_ns < self._due_ns:
            return None
        elapsed_s = (now_ns - self._tick_ns) / NS_PER_S if self._tick_ns else 0.0
        self._tick_ns, self._due_ns = now_ns, now_ns + _TICK_NS
        self._work.tick(elapsed_s)
        before = self.plan
        self._divide(now_ns)
        if self._link.is_known(now_ns):  # else nobody draws: what is in force stays
            link_share, compute_share = self._shares
            self._planner.decide(
                now_ns, link_share=link_share, compute_share=compute_share, seen=self._estimates(now_ns)
            )
        return self._orders(now_ns, before)

    def _divide(self, now_ns: int) -> None:
        """Ask the allocator; what is not a share changes nothing, what starves somebody is clamped."""
        link_share, compute_share = self._shares
        seen = features(self._waiting(now_ns), link_share=link_share, compute_share=compute_share)
        shares = np.asarray(self._allocator.allocate(seen), dtype=np.float64)
        if shares.shape != (2,) or not np.isfinite(shares).all():
            self.refused_count += 1
            return
        clamped = np.clip(shares, *SHARE_RANGE)
        self.clamped_count += int(np.count_nonzero(clamped != shares))
        self._shares = float(clamped[0]), float(clamped[1])

    def _estimates(self, now_ns: int) -> Estimates:
        return Estimates(
            capacity_bps=self._link.capacity_bps(now_ns),
            queue_ms=self._link.queue_ms(now_ns),
            whole_ms=self._work.whole_ms,
            step_ms=self._work.step_ms,
            update_bytes=UPDATE_BYTES,
        )

    def _waiting(self, now_ns: int) -> Waiting:
        link, work, ages, asked = self._link, self._work, self._ages, self._planner.asked
        capacity_bps, rate_hz = link.capacity_bps(now_ns), min(asked.rate_hz, work.input_rate_hz)
        waits_s = 1e-3 * ages.waiting_ms(now_ns)
        frame_bytes = wire_bytes(FRAME_HEAD_BYTES + int(asked.bitrate_bps / asked.rate_hz / 8.0))
        updates_hz = min(UPDATE_RATES_HZ[1], work.state_rate_hz)
        late_s = max(waits_s - 1.0 / asked.rate_hz, 0.0)
        return Waiting(
            capacity_bps=capacity_bps,
            frame_backlog_bits=8.0 * link.backlog_bytes(now_ns),
            update_backlog_bits=8e-3 * link.queue_ms(now_ns) * self.plan.update_rate_hz * UPDATE_BYTES,
            frame_bps=8.0 * frame_bytes * rate_hz,
            update_bps=8.0 * UPDATE_BYTES * updates_hz,
            frames_due=waits_s * asked.rate_hz,
            frame_ms=work.whole_ms * self.plan.relative,
            frame_load_ms=work.whole_ms * rate_hz,
            steps_due=late_s / self.plan.physics_tick_s,
            step_ms=work.step_ms,
            step_load_ms=work.step_ms / PHYSICS_TICKS_S[0],
            request_ms=ages.request_ms(now_ns),
            update_ms=ages.update_ms(now_ns),
        )

    def _orders(self, now_ns: int, before: Plan) -> Orders:
        """What changed; the twin is told its rate again each second, as it forgets it when nobody repeats it."""
        plan = self.plan
        sized = (plan.view.width, plan.view.height, plan.view.shadow)
        self._skip |= sized != (before.view.width, before.view.height, before.view.shadow)
        tell = plan.update_rate_hz != self._told_hz or now_ns - self._rates_ns >= _REPEAT_NS
        if tell:
            self._told_hz, self._rates_ns = plan.update_rate_hz, now_ns
        step_s = plan.physics_tick_s if plan.physics_tick_s != self._told_tick_s else None
        self._told_tick_s = plan.physics_tick_s
        return Orders(
            row=Note(kind="allocation", values=self.row(now_ns)),
            view=plan.view if plan.view != before.view else None,
            physics_tick_s=step_s,
            rates=Note(kind="rates", values={"update_rate_hz": plan.update_rate_hz}) if tell else None,
        )

    def row(self, now_ns: int) -> dict[str, object]:
        """The numbers of this tick; None where nothing is known."""
        plan, link, ages = self.plan, self._link, self._ages
        known = link.is_known(now_ns)
        return {
            "allocator": self.name,
            "link_share": self._shares[0],
            "compute_share": self._shares[1],
            "capacity_mbps": 1e-6 * link.capacity_bps(now_ns) if known else None,
            "queue_request_ms": ages.request_ms(now_ns),
            "queue_update_ms": ages.update_ms(now_ns),
            "link_backlog_ms": self._backlog_ms(now_ns),
            "link_queue_ms": link.queue_ms(now_ns),
            "aori_ms": ages.aori_ms.quantile(0.5, now_ns),
            "aori_p95_ms": ages.aori_ms.quantile(0.95, now_ns),
            "aosi_ms": ages.aosi_ms.quantile(0.5, now_ns),
            "aosi_p95_ms": ages.aosi_ms.quantile(0.95, now_ns),
            "frame_ms": self._work.whole_ms * plan.relative,
            "step_ms": self._work.step_ms,
            "bitrate_mbps": 1e-6 * plan.view.bitrate_bps,
            "width": plan.view.width,
            "height": plan.view.height,
            "shadow": plan.view.shadow,
            "rate_hz": plan.view.rate_hz,
            "update_rate_hz": plan.update_rate_hz,
            "physics_rate_hz": 1.0 / plan.physics_tick_s,
            "rung": self._planner.rung,
            "changes": self._planner.change_count,
            "clamped": self.clamped_count,
            "refused": self.refused_count,
            "fallbacks": self._allocator.fallback_count,
            "frames_unheard": link.lost_count,
        }


def _picture_bytes(byte_count: float) -> float:
    """Size of a picture whose frame takes so many bytes of the link."""
    return max(payload_within(byte_count) - FRAME_HEAD_BYTES, 1)
