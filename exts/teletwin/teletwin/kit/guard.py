"""What a host returned for a subscription, held until it is let go."""

from __future__ import annotations

from collections.abc import Callable


class Guard:
    """Kit unsubscribes when its object is released; some parts want a call as well."""

    def __init__(self, held: object = None, *, release: Callable[[], object] | None = None) -> None:
        self._held, self._release = held, release

    def close(self) -> None:
        """Let go; a second call does nothing."""
        release, self._release, self._held = self._release, None, None
        if release is not None:
            release()
