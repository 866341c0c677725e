"""`teletwin forecast teach`: a person's habits learned from recordings of that person's hand."""

from __future__ import annotations

from dataclasses import dataclass

from teletwin.cli.options import read_options
from teletwin.errors import ConfigError

_DESCRIPTION = """Learn a person's habits from a folder of recordings, one after the other by name; what is kept of the
person already is gone on from."""


@dataclass(frozen=True, kw_only=True)
class TeachOptions:
    """Options of `teletwin forecast teach`."""

    recordings: str
    """Folder of recordings of this person's hand; every file that a reader knows is taken."""
    person: str
    """Whose hand it is; sessions start from it with --person."""

    def __post_init__(self) -> None:
        """Refuse a name that cannot be used, before the work is done."""
        if not self.recordings:
            raise ConfigError("--recordings names no folder", given="nothing", allowed="a folder")
        from teletwin.forecast.person_file import person_path

        person_path(self.person)


def teach(arguments: list[str]) -> int:
    """Learn and save; say from what."""
    options = read_options(TeachOptions, arguments, command="forecast teach", description=_DESCRIPTION)
    from teletwin.bench.forecast_study.hands import study_hands
    from teletwin.bench.forecast_study.teaching import taught
    from teletwin.forecast.person_file import load_person, save_person

    hands = study_hands(recordings=options.recordings, names=(), scaled=False)
    tracks = [track for hand in hands for track in hand.tracks]
    habits = taught(tracks, known=load_person(options.person))
    path = save_person(options.person, habits)
    print(f"{path}  taught by {sum(track.duration_s for track in tracks):.0f} s of {len(tracks)} recordings")
    return 0
