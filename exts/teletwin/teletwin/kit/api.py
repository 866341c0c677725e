"""Python calls for everything that the window does.

    from teletwin.kit import api
    api.start(); api.engage(); print(api.status())

All return at once; problems are reported in the window, in Kit's log and in `status()["warnings"]`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from teletwin.errors import ConfigError

if TYPE_CHECKING:
    from teletwin.kit.twin_app import TwinApp

_current: list[TwinApp] = []


def current() -> TwinApp:
    """The running extension's object.

    Raises:
        ConfigError: The extension is not enabled.
    """
    if not _current:
        raise ConfigError("the extension teletwin is not enabled", mend="enable it in Window > Extensions")
    return _current[-1]


def start() -> None:
    """Build the scene, connect and play."""
    current().start()


def stop() -> None:
    """Disconnect and stop."""
    current().stop()


def engage() -> None:
    """Let the arm follow the hand."""
    current().engage()


def hold() -> None:
    """Bring the arm to rest and keep it there."""
    current().hold()


def lesson() -> None:
    """Start a session in which a policy learns from whoever draws in the page; in one that runs, let the dot run."""
    current().lesson()


def pause_lesson() -> None:
    """Let the dot stand still and the arm hold; nothing is learned meanwhile."""
    current().pause_lesson()


def quit_lesson() -> None:
    """End the lesson and its session; what was learned is kept."""
    current().quit_lesson()


def record(on: bool = True) -> None:
    """Start or end the recording."""
    current().record(on)


def configure(**values: object) -> None:
    """Change settings by name, as `configure(motion_policy="lula")`; see `config/extension.toml`.

    Raises:
        ConfigError: A name that no setting has.
    """
    for name, value in values.items():
        current().settings.set(name, value)


def status() -> dict[str, object]:
    """State, warnings and the live numbers by name."""
    return current().status()


def publish(app: TwinApp) -> None:
    """The extension has started; called by it."""
    _current.append(app)


def retract(app: TwinApp) -> None:
    """The extension ends; called by it."""
    if app in _current:
        _current.remove(app)
