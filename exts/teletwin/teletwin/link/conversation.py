"""One role's conversation with one peer: how keys come about, are confirmed, renewed and forgotten.

Each side offers an ephemeral key and names the other's in return (`teletwin.link.greeting`). Four rules:

1. A greeting counts only when it names the key that is on offer here at this moment. Its writer has heard that
   offer, so nothing recorded before can be played back, to a role that has just started neither. An offer is good
   for one exchange: what was held back on its way finds it gone.
2. Whoever is named by such a greeting makes the keys and says so (*ready*). What has no proof is answered, seldom
   while the conversation runs, and changes nothing: the running keys stay.
3. New keys are sent under once the peer is known to have them: it said *ready*, or sent something under them. The
   old ones open what was on its way for two seconds more, so no datagram is lost when keys are renewed.
4. Greetings are repeated while no conversation runs, while keys wait to be confirmed, when they are worn, and when
   the peer falls silent: it may have started again and know nothing.

Greetings may be lost, doubled or overtaken, and both sides may begin at once: every state repeats what the other
lacks. Without loss the side that began sends data after one round trip, the other half a round trip later; the
stamps that greetings carry have told the clocks by then.
"""

from __future__ import annotations

from collections.abc import Callable

from teletwin import __version__
from teletwin.clock import NS_PER_MS, NS_PER_S
from teletwin.link.envelope import NO_ANSWER, Answer
from teletwin.link.epoch import Epoch, RotationCfg
from teletwin.link.exchange import Offer, agree, make_offer
from teletwin.link.greeting import UNHEARD, Greeting, GreetingForm, Stamps
from teletwin.link.wire import VERSION
from teletwin.safety import RateLimit

SILENCE_NS = 300 * NS_PER_MS
"""Peers send something every 100 ms."""
GREET_NS = 100 * NS_PER_MS
_CALM_NS = 1 * NS_PER_S
_OVERLAP_NS = 2 * NS_PER_S
_LONGEST_OVERLAP_NS = 60 * NS_PER_S
_MAX_EPOCHS = 4
_ANSWERS_HZ, _ASK_BACK_HZ = 200.0, 10.0


class Conversation:
    """The keys shared with one peer; times are the own role's [ns].

    Args:
        role: The own role.
        peer: The other one.
        session_id: Public number of the session.
        psk: Pre-shared key of 32 bytes.
        form: Writes greetings.
        rotation: When keys are renewed.
        draw: Gives so many random bytes.
    """

    def __init__(
        self,
        *,
        role: str,
        peer: str,
        session_id: int,
        psk: bytes,
        form: GreetingForm,
        rotation: RotationCfg,
        draw: Callable[[int], bytes],
    ) -> None:
        self._role, self._peer, self._session_id, self._psk = role, peer, session_id, psk
        self._form, self._rotation, self._draw = form, rotation, draw
        self._offer: Offer | None = None
        self._epochs: list[Epoch] = []
        self._sending: Epoch | None = None
        self._heard_ns = self._greeted_ns = self._answered_ns = -_CALM_NS
        self._answers = RateLimit(rate_hz=_ANSWERS_HZ, burst=_ANSWERS_HZ / 4.0)
        self._asks = RateLimit(rate_hz=_ASK_BACK_HZ, burst=_ASK_BACK_HZ)

    def runs(self, now_ns: int) -> bool:
        """Whether keys are confirmed and the peer was heard under them just now."""
        return self._sending is not None and _is_within(SILENCE_NS, self._heard_ns, now_ns)

    @property
    def epoch(self) -> Epoch | None:
        """What to send under: confirmed keys, else such as the peer may have; None before the first exchange."""
        return self._sending or (self._epochs[-1] if self._epochs else None)

    @property
    def epochs(self) -> list[Epoch]:
        """All keys that are not forgotten, oldest first."""
        return self._epochs

    def heard(self, epoch: Epoch, now_ns: int) -> bool:
        """Something fresh of the peer was opened under these keys; tell whether older ones were forgotten."""
        self._heard_ns = now_ns
        if not epoch.is_confirmed:
            self._confirm(epoch, now_ns)
        return len(self._epochs) > 1 and self._forget(epoch, now_ns)

    def take(self, greeting: Greeting, stamps: Stamps) -> Answer:
        """Take an authentic greeting of this version; answers carry these stamps."""
        known = next((epoch for epoch in self._epochs if epoch.peer_public == greeting.public), None)
        if known is not None:
            return self._again(known, greeting, stamps)
        if self._offer is not None and greeting.heard == self._offer.public:
            return self._complete(self._offer, greeting, stamps)
        return self._unproven(greeting, stamps)

    def due(self, now_ns: int) -> bytes | None:
        """A greeting to send now; None when there is no need."""
        if _is_within(GREET_NS, self._greeted_ns, now_ns):
            return None
        newest = self._epochs[-1] if self._epochs else None
        if newest is not None and not newest.is_confirmed:
            self._greeted_ns = now_ns
            return self._ready(newest, Stamps(now_ns))
        if self.runs(now_ns) and not (self._sending and self._sending.is_worn(self._rotation, now_ns)):
            return None
        self._greeted_ns = now_ns
        return self._offered(UNHEARD, Stamps(now_ns))

    def ask_back(self, now_ns: int) -> Answer:
        """Invite somebody who may be the peer to an exchange, seldom; nobody while the conversation runs."""
        if self.runs(now_ns) or not self._asks.allows(now_ns):
            return NO_ANSWER
        return Answer((self._offered(UNHEARD, Stamps(now_ns)),))

    def _again(self, epoch: Epoch, greeting: Greeting, stamps: Stamps) -> Answer:
        """The keys of this exchange are made here already; the peer may not have heard so."""
        if epoch.is_confirmed:
            return NO_ANSWER
        is_proven = greeting.is_ready and greeting.heard == epoch.own_public
        if is_proven:
            self._confirm(epoch, stamps.t_send_ns)
        return Answer((self._ready(epoch, stamps),), is_proven)

    def _complete(self, offer: Offer, greeting: Greeting, stamps: Stamps) -> Answer:
        self._offer = None
        names = {"role": self._role, "peer": self._peer}
        ways = agree(offer, greeting.public, session_id=self._session_id, psk=self._psk, **names)
        epoch = Epoch(publics=(offer.public, greeting.public), ways=ways, now_ns=stamps.t_send_ns, **names)
        self._epochs = [*self._kept(_MAX_EPOCHS - 1), epoch]
        if greeting.is_ready:
            self._confirm(epoch, stamps.t_send_ns)
        return Answer((self._ready(epoch, stamps),), is_proven=True)

    def _unproven(self, greeting: Greeting, stamps: Stamps) -> Answer:
        """Perhaps a recording: let its writer hear what is on offer, which a recording cannot answer."""
        now_ns = stamps.t_send_ns
        is_calm = not (self.runs(now_ns) and _is_within(_CALM_NS, self._answered_ns, now_ns))
        if not (is_calm and self._answers.allows(now_ns)):
            return NO_ANSWER
        self._answered_ns = now_ns
        return Answer((self._offered(greeting.public, stamps),))

    def _confirm(self, epoch: Epoch, now_ns: int) -> None:
        """The peer has these keys; they are sent under from now on, unless newer ones are."""
        epoch.is_confirmed = True
        self._heard_ns = now_ns
        newer = self._epochs[self._epochs.index(epoch) + 1 :]
        if not any(other.is_confirmed for other in newer):
            self._sending = epoch
        for other in self._epochs[: self._epochs.index(epoch)]:
            other.expires_ns = min(other.expires_ns, now_ns + _LONGEST_OVERLAP_NS)

    def _forget(self, epoch: Epoch, now_ns: int) -> bool:
        """The peer sends under these keys: older ones are needed for what is still on its way alone."""
        before = len(self._epochs)
        for other in self._epochs[: self._epochs.index(epoch)]:
            other.expires_ns = min(other.expires_ns, now_ns + _OVERLAP_NS)
        self._epochs = [other for other in self._epochs if other.expires_ns > now_ns]
        return len(self._epochs) < before

    def _kept(self, count: int) -> list[Epoch]:
        """At most so many of the present keys, those in use among them."""
        spare = len(self._epochs) - count
        dropped = [epoch for epoch in self._epochs if epoch is not self._sending][: max(spare, 0)]
        return [epoch for epoch in self._epochs if epoch not in dropped]

    def _offered(self, heard: bytes, stamps: Stamps) -> bytes:
        if self._offer is None:
            self._offer = make_offer(self._draw)
        return self._write(self._offer.public, heard, stamps, is_ready=False)

    def _ready(self, epoch: Epoch, stamps: Stamps) -> bytes:
        return self._write(epoch.own_public, epoch.peer_public, stamps, is_ready=True)

    def _write(self, public: bytes, heard: bytes, stamps: Stamps, *, is_ready: bool) -> bytes:
        ends = self._role, self._peer
        return self._form.write(Greeting(VERSION, __version__, *ends, public, heard, is_ready, stamps))


def _is_within(span_ns: int, since_ns: int, now_ns: int) -> bool:
    """Whether less than a span has passed; a clock that was set back tells nothing, so it has."""
    return 0 <= now_ns - since_ns < span_ns
