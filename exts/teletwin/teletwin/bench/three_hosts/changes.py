"""Changes of the network over time, read from a small text.

A line is `TIME WHERE NAME=VALUE ...`: seconds since the session runs, a hop (`up`, `down`, `command`,
`state`) or `all`, and what is otherwise from then on; what is not named stays as it is. Names and units are
those of `messages.LinkSettings`. A line `repeat SECONDS` begins anew, from the network that was asked for,
whenever so much time has passed. `#` begins a comment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from math import inf
from pathlib import Path

from teletwin.bench.three_hosts.hops import Hops
from teletwin.bounded import read_text
from teletwin.errors import ConfigError
from teletwin.link.delay import check_settings
from teletwin.messages import LinkSettings
from teletwin.session.config import HOPS, parse_hop

FOLDER = Path(__file__).parent / "networks"
_NAMES = [field.name for field in fields(LinkSettings)]
_EPSILON_S = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is otherwise on some hops from a time on [s]."""

    t_s: float
    hops: tuple[str, ...]
    values: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkScript:
    """Changes in the order of their times."""

    changes: tuple[Change, ...] = ()
    repeat_s: float = inf

    def settings(self, t_s: float, asked: Hops) -> dict[str, LinkSettings]:
        """The network at t_s [s] for one that was asked for."""
        hops = dict(asked)
        within_s = t_s % self.repeat_s + _EPSILON_S
        for change in self.changes:
            if change.t_s <= within_s:
                for hop in change.hops:
                    hops[hop] = replace(hops[hop], **change.values)
        return hops

    def next_change_s(self, t_s: float) -> float:
        """When something is otherwise again after t_s [s]; inf: never."""
        began_s = t_s - t_s % self.repeat_s if self.repeat_s < inf else 0.0
        times_s = [began_s + change.t_s for change in self.changes] + [began_s + self.repeat_s]
        return min((each for each in times_s if each > t_s + _EPSILON_S), default=inf)


def shipped_scripts() -> list[str]:
    """Names of the scripts that come with teletwin."""
    return sorted(path.stem for path in FOLDER.glob("*.txt"))


def load_script(name: str) -> NetworkScript:
    """The script of a shipped name or in a file; none for an empty name.

    Raises:
        ConfigError: There is no such script, or a line cannot be read.
    """
    if not name:
        return NetworkScript()
    path = FOLDER / f"{name}.txt" if name in shipped_scripts() else Path(name)
    try:
        text = read_text(path, expansion=40.0)
    except (OSError, UnicodeDecodeError):
        allowed = f"{', '.join(shipped_scripts())}, or a text file"
        raise ConfigError("unknown script of a network", given=name, allowed=allowed) from None
    return read_script(text)


def read_script(text: str) -> NetworkScript:
    """The script that a text describes.

    Raises:
        ConfigError: A line cannot be read, or a network cannot be like that.
    """
    changes, repeat_s = [], inf
    for number, words in _lines(text):
        if words[0] == "repeat" and len(words) == 2:
            repeat_s = _seconds(words[1], number)
        else:
            changes.append(_change(words, number))
    latest_s = max((change.t_s for change in changes), default=0.0)
    if repeat_s <= latest_s:
        raise ConfigError("a script begins anew before its end", given=repeat_s, allowed=f"more than {latest_s:g} s")
    return NetworkScript(changes=tuple(sorted(changes, key=lambda change: change.t_s)), repeat_s=repeat_s)


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if words:
            yield number, words


def _change(words: list[str], number: int) -> Change:
    allowed = f"TIME {'|'.join((*HOPS, 'all'))} NAME=VALUE ..."
    if len(words) < 3 or words[1] not in (*HOPS, "all"):
        raise ConfigError(f"line {number} of a script cannot be read", given=" ".join(words), allowed=allowed)
    values = parse_hop(" ".join(words[2:]), allowed=_NAMES)
    check_settings(replace(LinkSettings(), **values), hop=f"line {number}")
    hops = HOPS if words[1] == "all" else (words[1],)
    return Change(t_s=_seconds(words[0], number), hops=hops, values=values)


def _seconds(word: str, number: int) -> float:
    try:
        seconds = float(word)
    except ValueError:
        seconds = -1.0
    if not 0.0 <= seconds < inf:
        raise ConfigError(f"line {number} of a script has no time", given=word, allowed="0 or more seconds")
    return seconds
