"""One role's end of the protocol, without a transport: messages in, datagrams out, and back.

Every transport shares it, so what holds for UDP holds for links in memory. It numbers and closes what is
sent, opens and judges what arrives, follows the peers' clocks, and says what must be sent again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from teletwin.clock import NS_PER_MS, NS_PER_S, Clock
from teletwin.errors import ConfigError, MessageError
from teletwin.link import ONE_PIECE, Received
from teletwin.link.clock_sync import ClockSync
from teletwin.link.codec import decode, encode
from teletwin.link.envelope import Answer, Envelope
from teletwin.link.epoch import RotationCfg
from teletwin.link.fragments import Reassembly, split
from teletwin.link.greeting import Greeting, Stamps, is_greeting
from teletwin.link.plain import PlainEnvelope
from teletwin.link.problems import PeerProblems
from teletwin.link.protection import Repairs
from teletwin.link.reliable import Resender, confirmation
from teletwin.link.repair import Wish
from teletwin.link.sealed import SealedEnvelope
from teletwin.link.starts import PeerStarts, Standing
from teletwin.link.streams import SequenceWindow, StreamCounts, Verdict, Volume
from teletwin.link.wire import (
    FLAG_FRAGMENT,
    FLAG_RELIABLE,
    MAX_PAYLOAD_BYTES,
    ROLES,
    Datagram,
    Kind,
    RefusedError,
    claim,
    pack_body,
    unpack_body,
)
from teletwin.messages import Message

_STATE_KINDS = frozenset({Kind.FORECAST, Kind.COMMAND, Kind.ARM_STATE, Kind.TWIN_STATUS})
_MAX_ECHO_AGE_NS = 1 * NS_PER_S
_MAX_EARLY_NS = 250 * NS_PER_MS
_SET_BACK_NS = 250 * NS_PER_MS
_SEQ_MASK = (1 << 32) - 1
_TOTALS = (
    *("sent", "unsent", "unwritable", "received", "late", "replayed", "stale", "early"),
    *("restarted", "invalid", "unsealed", "sealed", "unknown_key", "other_secret", "other_session", "other_version"),
    *("foreign_address", "misdirected", "socket_errors", "flooded"),
)

_STRANGE = frozenset({"unknown_key", "unsealed", "other_secret", "other_session", "other_version"})
"""Reasons to tell a neighbour who this is: it may have started again, or a person may have mistaken something."""

Outgoing = list[tuple[str, bytes]]
"""Datagrams to send: destination and bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointCfg:
    """Who this end is and what it trusts."""

    role: str
    session_id: int = 0
    start: int = 1
    """Number of this start of the role, drawn anew each time: 1 ... 2**32 - 1; see `teletwin.link.starts`."""
    key: bytes | None = None
    """Pre-shared key of 32 bytes made of the session's secret; None trusts whoever knows the session id."""
    rotation: RotationCfg = field(default_factory=RotationCfg)
    """When the keys of a conversation are renewed."""
    relays: Mapping[str, str] = field(default_factory=dict)
    """Sender to the peer that may forward its datagrams, for example {"operator": "twin"}."""
    max_age_s: float = 1.0
    """Poses, commands and states older than this on arrival are dropped, once the clocks are known."""
    probe_period_s: float = 0.1
    """A peer that was sent nothing for so long gets the bare stamps."""

    repairs: bool = True
    """Parity follows the measured loss and lost pieces are asked for; else a large message has one parity piece."""

    def __post_init__(self) -> None:
        for role in (self.role, *self.relays, *self.relays.values()):
            if role not in ROLES:
                raise ConfigError("unknown role", given=role, allowed=", ".join(ROLES))
        if not (self.max_age_s > 0.0 and self.probe_period_s > 0.0):
            raise ConfigError("an age limit must be positive", given=(self.max_age_s, self.probe_period_s))
        if not 0 < self.start <= _SEQ_MASK:
            raise ConfigError("the number of a start does not fit", given=self.start, allowed="1 ... 2**32 - 1")


class Entered(NamedTuple):
    """What came of bytes off the wire."""

    datagram: Datagram | Greeting | None = None
    """To be read or taken once it has passed the imitated network; None: nothing to use."""
    body: bytes = b""
    """The same, closed no more, for `Link.forward`."""
    replies: tuple[bytes, ...] = ()
    """To send at once where the bytes came from."""
    is_proven: bool = False
    """Whether the neighbour is where the bytes came from."""


class Endpoint:
    """State of one role's conversations; see the module."""

    def __init__(self, cfg: EndpointCfg, clock: Clock) -> None:
        self._cfg = cfg
        self._clock = clock
        self._problems = PeerProblems(cfg.role)
        self._envelope = _envelope(cfg, self._problems)
        self._starts = PeerStarts()
        # Numbers start from the clock, so that those of two starts do not meet where messages are put together.
        self._first_seq = clock.now_ns() // NS_PER_MS & _SEQ_MASK
        self._next_seq: dict[tuple[str, Kind], int] = {}
        self._windows: dict[tuple[str, str, Kind], SequenceWindow] = {}
        self._syncs: dict[str, ClockSync] = {}
        self._heard: dict[str, tuple[int, int]] = {}
        self._last_sent_ns: dict[str, int] = {}
        self._reassembly = Reassembly()
        self._resender = Resender()
        self._repairs = Repairs(cfg.role)
        self._replies: Outgoing = []
        self._max_age_ns = round(cfg.max_age_s * NS_PER_S)
        self._probe_period_ns = round(cfg.probe_period_s * NS_PER_S)
        self.volume = Volume()
        self.totals: Counter[str] = Counter(dict.fromkeys(_TOTALS, 0))

    def write(self, peer: str, message: Message, *, reliable: bool = False) -> list[bytes]:
        """Datagrams of one message for peer; what cannot be written is counted and gives none."""
        try:
            kind, payload = encode(message)
            seq = self._number(peer, kind)
            datagrams = self._close(peer, kind, FLAG_RELIABLE if reliable else 0, seq, payload)
        except MessageError:
            self.totals["unwritable"] += 1
            return []
        if reliable:
            self._resender.keep(peer, kind, seq, payload, self._clock.now_ns())
        self.totals["sent" if datagrams else "unsent"] += 1
        return datagrams

    def enter(self, raw: bytes, hop: str, now_ns: int) -> Entered:
        """Open bytes that came from the neighbour `hop`; what is not for this role is counted by the reason."""
        try:
            if claim(raw)[1] != hop:
                raise RefusedError("misdirected", "a datagram that came another way than it says", given=hop)
            if is_greeting(raw):
                return Entered(self._envelope.read_greeting(raw, now_ns))
            body = self._envelope.open(raw, now_ns)
            datagram = unpack_body(body)
        except RefusedError as refusal:
            self.totals[refusal.reason] += 1
            is_strange = refusal.reason in _STRANGE
            return Entered(replies=self._envelope.ask_back(hop, now_ns).replies if is_strange else ())
        return Entered(datagram if self._admits(datagram, hop) else None, body, (), True)

    def greeted(self, greeting: Greeting, arrived_ns: int) -> Answer:
        """Take a greeting that arrived at arrived_ns; one that is proven tells its sender's clock too."""
        now_ns, (sent_ns, echo_ns, age_ns) = self._clock.now_ns(), greeting.stamps
        answer = self._envelope.take(greeting, Stamps(now_ns, sent_ns, now_ns - arrived_ns))
        if answer.is_proven:
            self._follow_clock(greeting.sender, sent_ns, echo_ns, age_ns, arrived_ns)
        return answer

    def forward(self, peer: str, body: bytes) -> list[bytes]:
        """A datagram that passes a received one on to peer."""
        raw = self._envelope.close(peer, body)
        self.totals["unsent"] += raw is None
        return [] if raw is None else [raw]

    def problem(self, peer: str) -> str:
        """Why peer and this role do not understand each other; empty when nothing is known to be wrong."""
        return self._problems.of(peer)

    def read(self, datagram: Datagram, body: bytes, arrived_ns: int) -> Received | None:
        """The message in an admitted datagram that arrived at arrived_ns; None when there is none to use."""
        if not self._is_of_this_time(datagram):
            return None
        if datagram.destination == self._cfg.role:
            _, sender, _, _, _, sent_ns, echo_ns, age_ns, _, _ = datagram
            self._follow_clock(sender, sent_ns, echo_ns, age_ns, arrived_ns)
        try:
            return self._read(datagram, body, arrived_ns)
        except MessageError:
            self.totals["invalid"] += 1
            return None

    def due(self, now_ns: int, peers: list[str]) -> Outgoing:
        """Confirmations, repeats, greetings and probes to send now; the last two go to `peers`."""
        outgoing, self._replies = self._replies, []
        outgoing += self._envelope.greetings(peers, now_ns)
        outgoing += self._wishes(now_ns) if self._cfg.repairs else []
        for pending in self._resender.due(now_ns):
            datagrams = self._close(pending.peer, pending.kind, FLAG_RELIABLE, pending.seq, pending.payload)
            outgoing += [(pending.peer, datagram) for datagram in datagrams]
        for peer in peers:
            if now_ns - self._last_sent_ns.get(peer, now_ns - self._probe_period_ns) >= self._probe_period_ns:
                outgoing += [(peer, raw) for raw in self._close(peer, Kind.PROBE, 0, 0, b"")]
        return outgoing

    def next_due_ns(self) -> int | None:
        """When the next repeat is to be sent [ns]; None when nothing waits for confirmation."""
        return self._resender.next_due_ns()

    def offset_ns(self, peer: str, t_ns: int) -> int:
        """Peer's clock minus own clock [ns] at own time t_ns; 0 until known."""
        sync = self._syncs.get(peer)
        return sync.offset_ns(t_ns) if sync is not None and sync.is_known else 0

    def sync(self, peer: str) -> ClockSync:
        """The clock of a peer as far as it is known."""
        return self._syncs.setdefault(peer, ClockSync())

    def heard_ns(self, peer: str) -> int:
        """Arrival of the newest datagram straight from peer [ns]; 0 before the first."""
        return self._heard.get(peer, (0, 0))[1]

    def streams(self) -> dict[tuple[str, str, str], StreamCounts]:
        """Totals of each incoming stream by sender, destination and kind of message."""
        return {
            (sender, destination, kind.name.lower()): window.counts
            for (sender, destination, kind), window in self._windows.items()
        }

    def counters(self) -> dict[str, int]:
        """All totals of this end by name."""
        own = {
            "rebuilt_pieces": self._reassembly.rebuilt_count,
            "incomplete": self._reassembly.incomplete_count,
            "resent": self._resender.resent_count,
            "repeated_pieces": self._repairs.repeated_count,
            "undelivered": self._resender.undelivered_count,
            "missing": sum(window.counts.missing for window in self._windows.values()),
        }
        return dict(self.totals) | own

    def _admits(self, datagram: Datagram, hop: str) -> bool:
        """Whether a datagram that came over the hop from `hop` is for this role and may come that way."""
        cfg = self._cfg
        if datagram.destination == cfg.role:
            allowed = datagram.sender == hop
        else:
            allowed = cfg.relays.get(datagram.sender) == hop == datagram.destination
        self.totals["misdirected"] += not allowed
        return allowed

    def _is_of_this_time(self, datagram: Datagram) -> bool:
        """Whether the datagram is of the start of its sender that is believed; another start begins anew."""
        standing = self._starts.judge(datagram.sender, datagram.destination, datagram.start)
        if standing is Standing.REPLACED:
            self.totals["replayed"] += 1
        elif standing is Standing.NEW:
            self.totals["restarted"] += 1
            self._begin_anew(datagram.sender, datagram.destination)
        return standing is not Standing.REPLACED

    def _begin_anew(self, sender: str, destination: str) -> None:
        """Forget what came of the former start of a sender; its clock may be another one now."""
        for key, window in self._windows.items():
            if key[:2] == (sender, destination):
                window.restart()
        self._reassembly.forget(sender, destination)
        if destination == self._cfg.role:
            self.sync(sender).doubt()
            self._heard.pop(sender, None)

    def _number(self, peer: str, kind: Kind) -> int:
        seq = self._next_seq.get((peer, kind), self._first_seq)
        self._next_seq[peer, kind] = (seq + 1) & _SEQ_MASK
        return seq

    def _close(self, peer: str, kind: Kind, flags: int, seq: int, payload: bytes) -> list[bytes]:
        """Datagrams of one payload; none while there is no key for the peer."""
        if not self._envelope.is_ready(peer):
            return []
        now_ns = self._clock.now_ns()
        self._last_sent_ns[peer] = now_ns
        pieces = [payload]
        if len(payload) > MAX_PAYLOAD_BYTES:
            flags |= FLAG_FRAGMENT
            protection = self._repairs.towards(peer)
            pieces = split(payload, loss=protection.loss(now_ns) if self._cfg.repairs else 0.0)
            protection.keep(kind, seq, pieces)
        return self._closed(peer, kind, flags, seq, pieces)

    def _closed(self, peer: str, kind: Kind, flags: int, seq: int, pieces: list[bytes]) -> list[bytes]:
        """Datagrams of the pieces of one payload."""
        now_ns = self._clock.now_ns()
        echo_ns, echo_arrived_ns = self._heard.get(peer, (0, now_ns))
        role, age_ns, start = self._cfg.role, now_ns - echo_arrived_ns, self._cfg.start
        bodies = [
            pack_body(Datagram(kind, role, peer, flags, seq, now_ns, echo_ns, age_ns, piece, start)) for piece in pieces
        ]
        closed = [raw for body in bodies if (raw := self._envelope.close(peer, body)) is not None]
        self.volume = Volume(self.volume.datagrams + len(closed), self.volume.byte_count + sum(map(len, closed)))
        return closed

    def _wishes(self, now_ns: int) -> Outgoing:
        """What to tell senders of lost pieces."""
        wishes = self._repairs.wishes(self._reassembly, now_ns, sync=self.sync)
        return [(peer, raw) for peer, wish in wishes for raw in self._close(peer, Kind.WISH, 0, 0, wish.pack())]

    def _fulfil(self, peer: str, wish: Wish) -> None:
        """Send again what a receiver lacks."""
        if pieces := self._repairs.towards(peer).take(wish, self._clock.now_ns()):
            raws = self._closed(peer, Kind(wish.kind), FLAG_FRAGMENT, wish.seq, pieces)
            self._replies += [(peer, raw) for raw in raws]

    def _follow_clock(self, sender: str, sent_ns: int, echo_ns: int, echo_age_ns: int, arrived_ns: int) -> None:
        newest_ns, heard_ns = self._heard.get(sender, (sent_ns - 1, 0))
        if sent_ns > newest_ns or arrived_ns - heard_ns > _SET_BACK_NS:  # the latter: its clock was set back
            self._heard[sender] = (sent_ns, arrived_ns)
        if echo_ns and echo_age_ns < _MAX_ECHO_AGE_NS:  # drift spoils an old echo
            self.sync(sender).observe(
                sent_ns=echo_ns,
                heard_ns=sent_ns - echo_age_ns,
                replied_ns=sent_ns,
                arrived_ns=arrived_ns,
            )

    def _read(self, datagram: Datagram, body: bytes, arrived_ns: int) -> Received | None:
        if datagram.kind is Kind.PROBE:
            return None
        if datagram.kind is Kind.CONFIRM:
            self._resender.confirm(datagram.sender, datagram.payload)
            return None
        if datagram.kind is Kind.WISH:
            self._fulfil(datagram.sender, Wish.unpack(datagram.payload))
            return None
        payload: bytes | None = datagram.payload
        burst = ONE_PIECE
        if datagram.flags & FLAG_FRAGMENT:
            key = (datagram.sender, datagram.destination, int(datagram.kind), datagram.seq)
            payload, body = self._reassembly.add(key, datagram.payload, arrived_ns), b""
            self._repairs.came(datagram.sender, int(datagram.kind), datagram.seq, arrived_ns)
            if payload is None and not self._reassembly.is_finished(key):
                return None
            burst = self._reassembly.burst(key)
        if datagram.flags & FLAG_RELIABLE and datagram.destination == self._cfg.role:
            self._confirm(datagram)  # again when it comes again: the first confirmation may be lost
        if payload is None:
            return None
        sent_ns = datagram.t_send_ns - self.offset_ns(datagram.sender, arrived_ns)
        if not self._is_wanted(datagram, arrived_ns - sent_ns):
            return None
        message = decode(datagram.kind, payload)
        self.totals["received"] += 1
        return Received(
            message=message,
            peer=datagram.sender,
            seq=datagram.seq,
            t_sent_ns=sent_ns,
            t_arrived_ns=arrived_ns,
            raw=body,
            burst=burst,
        )

    def _is_wanted(self, datagram: Datagram, age_ns: int) -> bool:
        key = (datagram.sender, datagram.destination, datagram.kind)
        window = self._windows.setdefault(key, SequenceWindow())
        verdict = window.judge(datagram.seq)
        if verdict is Verdict.REPLAYED:
            self.totals["replayed"] += 1
            return False
        if datagram.kind not in _STATE_KINDS:
            return True
        if verdict is Verdict.LATE:
            self.totals["late"] += 1
            return False
        return self._is_of_an_age(datagram.sender, age_ns, window.counts)

    def _is_of_an_age(self, sender: str, age_ns: int, counts: StreamCounts) -> bool:
        """Whether a state is neither too old nor of the future, as far as its sender's clock is known."""
        sync = self.sync(sender)
        too_old = sync.is_known and age_ns > self._max_age_ns
        is_early = sync.is_known and age_ns < -_MAX_EARLY_NS  # the round trip costs more than all the rest: asked last
        too_early = is_early and age_ns < -(_MAX_EARLY_NS + sync.round_trip_ns // 2)  # its clock was set anew
        counts.stale += too_old
        self.totals["stale"] += too_old
        self.totals["early"] += too_early
        return not (too_old or too_early)

    def _confirm(self, datagram: Datagram) -> None:
        payload = confirmation(datagram.kind, datagram.seq)
        peer = datagram.sender
        self._replies += [(peer, raw) for raw in self._close(peer, Kind.CONFIRM, 0, 0, payload)]


def _envelope(cfg: EndpointCfg, problems: PeerProblems) -> Envelope:
    """Sealed where there is a key."""
    if cfg.key is None:
        return PlainEnvelope(role=cfg.role, session_id=cfg.session_id, problems=problems)
    common = {"role": cfg.role, "session_id": cfg.session_id, "problems": problems}
    return SealedEnvelope(psk=cfg.key, rotation=cfg.rotation, **common)
