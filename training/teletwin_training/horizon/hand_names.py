"""Which hands are learned from and which are kept for judging."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from teletwin.errors import ConfigError
from teletwin.hand import HANDWRITING
from teletwin.hand.readers import recording_files
from teletwin.hand.synthetic import MADE_UP_HANDS

PARTS = ("all", "train", "test")
JUDGING_SEED = 1000
"""Made-up hands for judging have seeds from here on; those for training from 0 on."""


@dataclass(frozen=True, kw_only=True)
class HandsCfg:
    """Recordings of a folder, and hands that need no file."""

    recordings: str = ""
    """Folder of recordings; every file that a reader knows is taken. Empty: none."""
    part: str = "all"
    """Of these files, in the order of their names: 'all', every other one from the first ('train') or the second
    ('test')."""
    made_up: str = "line,reach,write,trace,turning,pair,screws,handwriting"
    """Hands that need no file, with commas between; 'none' for none."""
    made_up_seeds: int = 2
    """Operators made up of each kind."""
    made_up_s: float = 40.0
    """How long each of them moves [s]."""
    paces: tuple[float, ...] = (1.0, 0.6)
    """Every recording is learned from at each of these paces: there are slower people than those who were recorded."""
    forecaster: str = "arma"
    """Forecaster by name."""
    skip_bad: bool = False
    """Leave out what cannot be read or trusted, with a warning, instead of refusing it."""

    def __post_init__(self) -> None:
        if self.part not in PARTS:
            raise ConfigError("no such part of the recordings", given=self.part, allowed=", ".join(PARTS))
        for name in self.kinds:
            if name not in (*MADE_UP_HANDS, HANDWRITING):
                allowed = ", ".join((*MADE_UP_HANDS, HANDWRITING, "none"))
                raise ConfigError("no hand has this name", given=name, allowed=allowed)
        if not self.paces or not all(0.2 <= pace <= 2.0 for pace in self.paces):
            raise ConfigError("a pace is out of range", given=self.paces, allowed="one or more of 0.2 ... 2")
        if not 1 <= self.made_up_seeds <= 100 or not 8.0 <= self.made_up_s <= 600.0:
            raise ConfigError(
                "made-up hands are out of range",
                given=f"{self.made_up_seeds} seeds, {self.made_up_s:g} s",
                allowed="1 ... 100 seeds, 8 ... 600 s",
            )

    @property
    def kinds(self) -> tuple[str, ...]:
        """Hands that need no file."""
        return () if self.made_up == "none" else tuple(n.strip() for n in self.made_up.split(",") if n.strip())


def training_hands(cfg: HandsCfg, *, first_seed: int = 0) -> list[str]:
    """Names for `hands.load_hands`, recordings first.

    Raises:
        ConfigError: There is no such folder, no recording in it, or no hand at all.
    """
    files = part_of(cfg.recordings, cfg.part) if cfg.recordings else []
    names = [str(path) for path in files]
    for kind in cfg.kinds:
        if kind == HANDWRITING:
            names.append(kind)
            continue
        seeds = range(first_seed, first_seed + cfg.made_up_seeds)
        names += [f"{kind}:seed={seed},duration={cfg.made_up_s:g}" for seed in seeds]
    if not names:
        raise ConfigError("there is no hand to learn from", mend="give --recordings FOLDER or --made-up line,reach")
    return names


def part_of(folder: str, part: str) -> list[Path]:
    """Recordings of a folder, in the order of their names: all, or every other one.

    Raises:
        ConfigError: There is no such folder, or no recording in it or in this part of it.
    """
    files = recording_files(folder)
    chosen = files if part == "all" else files[0::2] if part == "train" else files[1::2]
    if not chosen:
        raise ConfigError(
            "this part of the folder holds no recording",
            given=f"part {part} of {len(files)} in {folder}",
            allowed="2 recordings or more in the folder",
            mend="add a recording, or take part all",
        )
    return chosen
