"""DDS types whose samples are bytes that somebody else has written and will read: plain CDR, header included."""

from __future__ import annotations

from typing import Any


class RawSample:
    """One sample as Cyclone's writers take it and its readers give it."""

    __slots__ = ("cdr", "sample_info")

    def __init__(self, cdr: bytes) -> None:
        self.cdr = cdr
        """The message in CDR, its encapsulation header first."""
        self.sample_info: Any = None
        """Set by the reader."""


def raw_type(idl_type: Any) -> Any:
    """The type of the same name and description as an IdlStruct, but its samples are RawSamples.

    Nothing is decoded on the way, so that no bytes from outside can make Cyclone's binding raise.
    """

    class Raw(RawSample):
        __slots__ = ()
        __idl__ = idl_type.__idl__
        __idl_typename__ = idl_type.__idl_typename__

        def serialize(self, *_: object, **__: object) -> bytes:
            return self.cdr

        def serialize_key(self, *_: object, **__: object) -> bytes:
            return self.cdr[:4]

        @classmethod
        def deserialize(cls, data: bytes, *_: object, **__: object) -> Raw:
            return cls(data)

        @classmethod
        def deserialize_key(cls, data: bytes, *_: object, **__: object) -> Raw:
            return cls(data)

    return Raw
