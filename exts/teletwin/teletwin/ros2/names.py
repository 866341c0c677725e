"""How ROS 2 writes names of topics and types into DDS."""

from __future__ import annotations

import re

from teletwin.errors import ConfigError

_TOPIC = re.compile(r"(/[A-Za-z_][A-Za-z0-9_]*)+")


def dds_topic(topic: str) -> str:
    """'/a/b' as DDS knows it: 'rt/a/b'.

    Raises:
        ConfigError: That is no absolute name of a ROS 2 topic.
    """
    if not _TOPIC.fullmatch(topic):
        raise ConfigError("not the name of a ROS 2 topic", given=topic, allowed="/letters_and_digits/with_slashes")
    return f"rt{topic}"


def dds_type(type_name: str) -> str:
    """'pkg/msg/Name' as DDS knows it: 'pkg::msg::dds_::Name_'."""
    package, kind, name = type_name.split("/")
    return f"{package}::{kind}::dds_::{name}_"
