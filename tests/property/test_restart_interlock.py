"""A state machine of one host: whatever comes in whatever order, it follows only an act from after its last outage."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from teletwin.messages import Mode
from teletwin.safety import EnablingInput, RestartInterlock, SafetyState, Seen, Watchdog, next_state

MS = 1_000_000
LIMIT_MS = 500


class OneHost(RuleBasedStateMachine):
    """What the twin's and the arm's loops do with an interlock, a watchdog and the table; the person is beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ns = 1_000 * MS
        self.mode, self.act, self.pressed_ns = Mode.HOLD, 1, 0
        self.seq = 0
        self.outage_ns = self.now_ns
        """When the newest outage was over: what was pressed before is no answer to it."""
        self.heard_ns: int | None = None
        self.start()

    def start(self) -> None:
        self.lock = RestartInterlock(restart_after_ns=LIMIT_MS * MS, started="started")
        self.heard, self.enabling = Watchdog(80 * MS), EnablingInput(is_needed=True)
        self.state, self.told = SafetyState.OFF, (Mode.OFF, 0)
        self.heard_ns = None

    @rule(mode=st.sampled_from(Mode))
    def press(self, mode: Mode) -> None:
        """The person presses; the host hears of it with the next packet."""
        self.mode, self.act, self.pressed_ns = mode, self.act + 1, self.now_ns

    @rule()
    def beat(self) -> None:
        """The enabling input sends a heartbeat."""
        self.seq += 1

    @rule()
    def let_go(self) -> None:
        """The enabling input is let go."""
        self.seq = 0

    @rule(ticks=st.integers(1, 400), packets=st.booleans())
    def pass_ticks(self, ticks: int, packets: bool) -> None:
        """Time in which packets come every tick, or none do."""
        for _ in range(ticks):
            self.tick(packets)

    @rule(stood_ms=st.integers(1, 3000), packets=st.booleans())
    def stand_still(self, stood_ms: int, packets: bool) -> None:
        """The host is suspended; then it reads what has waited."""
        self.now_ns += stood_ms * MS
        self.tick(packets)

    @rule()
    def restart(self) -> None:
        """Another process takes its place."""
        self.start()

    def tick(self, packets: bool) -> None:
        self.now_ns += 4 * MS
        self.lock.notice_silence(self.heard.pass_time(self.now_ns), "the peer")
        self.lock.notice_silence(self.enabling.pass_time(self.now_ns), "the enabling input")
        if packets:
            if self.heard_ns is None or self.now_ns - self.heard_ns > LIMIT_MS * MS:
                self.outage_ns = self.now_ns
            self.heard_ns = self.now_ns
            self.told = self.mode, self.act
            self.heard.hear(self.now_ns)
            self.lock.hear(self.act)
            self.enabling.hear(self.seq, self.now_ns)
        mode, act = self.told
        seen = Seen(
            asked=mode,
            knows_arm=self.lock.is_armed,
            is_stopped=False,
            hears=self.heard.is_calm(self.now_ns),
            is_fresh=self.lock.allows(act),
            is_enabled=self.enabling.is_held(self.now_ns),
        )
        self.state = next_state(self.state, seen)

    @invariant()
    def follows_only_an_act_from_after_the_last_outage(self) -> None:
        if self.state is SafetyState.ENGAGED:
            assert self.told == (Mode.ENGAGED, self.act) or self.told[0] is Mode.ENGAGED
            assert self.heard_ns is not None
            assert self.now_ns - self.heard_ns <= 84 * MS
            assert self.pressed_ns >= self.outage_ns or self.told[1] != self.act


TestOneHost = OneHost.TestCase
TestOneHost.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
