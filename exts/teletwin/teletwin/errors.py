"""Errors that tell what was given, what is allowed and what to do next."""

from __future__ import annotations


class TeletwinError(Exception):
    """Any refusal by teletwin; its text is one clear line for the person at the terminal."""

    def __init__(self, what: str, *, given: object = None, allowed: object = None, mend: str = "") -> None:
        parts = [what]
        if given is not None:
            parts.append(f"given: {given}")
        if allowed is not None:
            parts.append(f"allowed: {allowed}")
        if mend:
            parts.append(mend)
        super().__init__("; ".join(parts))


class SaidError(TeletwinError):
    """A refusal whose line stands on the terminal already: the process that refused has said it."""


class ConfigError(TeletwinError):
    """An option or a setting that cannot be used."""


class RecordingError(TeletwinError):
    """A file of motion or a session log that cannot be read or trusted."""


class TooLargeError(TeletwinError):
    """A file that would take more memory than any file may."""


class MessageError(TeletwinError):
    """Bytes that are not a message of this session; the loop counts them and goes on."""


class RobotError(TeletwinError):
    """A robot description that cannot be loaded, or a robot that cannot be reached."""


class StreamError(TeletwinError):
    """A picture that cannot be rendered, encoded or served."""


class MissingPartError(TeletwinError):
    """An optional package or a system library that is not installed."""
