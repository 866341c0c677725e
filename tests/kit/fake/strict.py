"""Objects that refuse what they do not know, and a list of what is alive."""

from __future__ import annotations

import types
import weakref
from collections.abc import Callable
from typing import Any


class Strict:
    """No attribute may be set that `__init__` did not set."""

    _sealed = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        init = cls.__init__

        def sealed_init(self: Any, *args: Any, **kwargs: Any) -> None:
            object.__setattr__(self, "_sealed", False)
            init(self, *args, **kwargs)
            if type(self).__init__ is sealed_init:
                object.__setattr__(self, "_sealed", True)

        sealed_init.__signature__ = __import__("inspect").signature(init)
        cls.__init__ = sealed_init

    def __setattr__(self, name: str, value: Any) -> None:
        if self._sealed and not hasattr(self, name):
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        object.__setattr__(self, name, value)


def module(name: str, **members: Any) -> types.ModuleType:
    """A module with these members and no others."""
    made = types.ModuleType(name)
    for key, value in members.items():
        setattr(made, key, value)
    return made


class Alive:
    """What was given out and is still held by somebody, by kind."""

    def __init__(self) -> None:
        self._given: list[tuple[str, weakref.ref[Any]]] = []
        self._named: dict[str, str] = {}

    def give(self, kind: str, thing: Any) -> Any:
        """Note a thing that counts until it is released."""
        self._given.append((kind, weakref.ref(thing)))
        return thing

    def open(self, key: str, kind: str) -> None:
        """Note something that counts until it is closed by its key."""
        self._named[key] = kind

    def shut(self, key: str) -> None:
        """What was opened is closed; closing twice, or what was never opened, is an error."""
        if key not in self._named:
            raise RuntimeError(f"{key} is not open")
        del self._named[key]

    def list(self) -> list[str]:
        """Everything that is alive."""
        held = [kind for kind, thing in self._given if thing() is not None]
        return sorted(held + [f"{kind} {key}" for key, kind in self._named.items()])


class Subscription:
    """Holds a callback; the callback is called while this object lives."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self.call = call


class Bus:
    """Callbacks by event name; dead subscriptions are forgotten."""

    def __init__(self, alive: Alive) -> None:
        self._alive = alive
        self._listeners: list[tuple[Any, int, weakref.ref[Subscription]]] = []

    def listen(self, event: Any, call: Callable[..., Any], *, order: int = 0) -> Subscription:
        """Subscribe; the caller must keep what is returned."""
        if not callable(call):
            raise TypeError("a callback must be callable")
        subscription = self._alive.give(f"subscription to {event}", Subscription(call))
        self._listeners.append((event, order, weakref.ref(subscription)))
        return subscription

    def emit(self, event: Any, *arguments: Any) -> int:
        """Call everybody who listens, by order; return how many."""
        self._listeners = [each for each in self._listeners if each[2]() is not None]
        hit = sorted((each for each in self._listeners if each[0] == event), key=lambda each: each[1])
        count = 0
        for _, _, reference in hit:
            subscription = reference()
            if subscription is not None:
                subscription.call(*arguments)
                count += 1
        return count
