"""A participant in a ROS 2 graph: publishes and subscribes as a node would."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from teletwin.clock import Clock
from teletwin.dds.domain import DdsDomain, DomainCfg, import_cyclone
from teletwin.dds.inbox import Arrived, Inbox
from teletwin.errors import MessageError
from teletwin.ros2 import Ros2Cfg
from teletwin.ros2.names import dds_topic
from teletwin.ros2.qos import Profile, qos_of
from teletwin.ros2.types import decode, encode, topic_type, typestore

_ANNOUNCE_MS = 3000

OnMessage = Callable[[Any, int], None]
"""Takes a message, as rosbags gives it, and when it came [ns, own clock]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A topic that is listened to."""

    topic: str
    type_name: str
    profile: Profile
    on_message: OnMessage


class Publisher:
    """One topic that is written; made by Ros2Participant."""

    def __init__(self, writer: Any, sample: Any) -> None:
        self._writer, self._sample = writer, sample
        self._error = import_cyclone("core").DDSException
        self.failed_count = 0

    def send(self, message: Any) -> bool:
        """Publish a message; one that cannot be sent now is counted."""
        try:
            self._writer.write(self._sample(encode(message)))
        except self._error:
            self.failed_count += 1
            return False
        return True

    @property
    def listener_count(self) -> int:
        """How many subscriptions match."""
        return len(self._writer.get_matched_subscriptions())


class Ros2Participant:
    """Joins the graph on entering. What came is handed over in `spin`; nothing waits.

    It is no node: it shows up in `ros2 topic info`, without a node's name, and answers no parameters or services.
    """

    def __init__(self, cfg: Ros2Cfg, clock: Clock, subscriptions: tuple[Subscription, ...] = ()) -> None:
        self._cfg, self._clock = cfg, clock
        self._subscriptions = {each.topic: each for each in subscriptions}
        self._participant: Any = None
        self._inbox: Inbox | None = None
        self._open = contextlib.ExitStack()
        self.invalid_count = 0
        """Messages that could not be read."""

    def __enter__(self) -> Ros2Participant:
        """Join.

        Raises:
            MissingPartError: Cyclone DDS or rosbags is not installed.
            ConfigError: A name or an address cannot be used.
        """
        typestore()  # refuses first what is missing
        cfg = DomainCfg(
            domain_id=self._cfg.domain(),
            interface=self._cfg.interface(),
            peers=self._cfg.peers(),
            multicast=True,
            announce_period_ms=_ANNOUNCE_MS,
        )
        with contextlib.ExitStack() as opening:
            self._participant = opening.enter_context(DdsDomain(cfg)).participant
            readers = {topic: self._reader(each) for topic, each in self._subscriptions.items()}
            self._inbox = opening.enter_context(Inbox(self._participant, readers, self._clock))
            self._open = opening.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._inbox = None
        self._open.close()

    def publisher(self, topic: str, type_name: str, profile: Profile) -> Publisher:
        """Write a topic from now on."""
        pub, qos = import_cyclone("pub"), qos_of(profile)
        return Publisher(
            pub.DataWriter(self._participant, self._topic(topic, type_name, qos), qos=qos), topic_type(type_name)
        )

    def spin(self) -> None:
        """Hand over what has come by now; unreadable messages are counted."""
        if self._inbox is not None:
            self._inbox.take(self._give)

    def _give(self, arrived: Arrived) -> None:
        subscription = self._subscriptions[arrived.name]
        try:
            message = decode(subscription.type_name, arrived.cdr)
        except MessageError:
            self.invalid_count += 1
            return
        subscription.on_message(message, arrived.t_ns)

    def _reader(self, subscription: Subscription) -> Any:
        qos = qos_of(subscription.profile)
        topic = self._topic(subscription.topic, subscription.type_name, qos)
        return import_cyclone("sub").DataReader(self._participant, topic, qos=qos)

    def _topic(self, topic: str, type_name: str, qos: Any) -> Any:
        return import_cyclone("topic").Topic(self._participant, dds_topic(topic), topic_type(type_name), qos=qos)
