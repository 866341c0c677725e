"""`teletwin forecast fit`: the pooled model fitted on recordings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from teletwin.cli.options import read_options
from teletwin.errors import ConfigError

_DESCRIPTION = """Fit the pooled forecasters (pooled-ar, pooled-fir) on a folder of recordings."""


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """Options of `teletwin forecast fit`."""

    recordings: str
    """Folder of recordings; every file that a reader knows is taken."""
    out: str
    """The model, a small JSON file of numbers with the names and the hash of what it was fitted on."""
    hands: str = "none"
    """Hands that need no file besides (line, reach, write, trace, handwriting), with commas between."""

    def __post_init__(self) -> None:
        """Refuse a file that cannot be written, before the work is done."""
        if not self.out or Path(self.out).is_dir():
            raise ConfigError("--out is no file", given=self.out, allowed="a file in a folder that is there")
        if not Path(self.out).absolute().parent.is_dir():
            raise ConfigError("--out lies in no folder", given=self.out, allowed="a file in a folder that is there")


def fit(arguments: list[str]) -> int:
    """Fit and save; say what was fitted on what."""
    options = read_options(FitOptions, arguments, command="forecast fit", description=_DESCRIPTION)
    from teletwin.bench.forecast_study.hands import study_hands
    from teletwin.bench.forecast_study.pooling import fit_on

    names = () if options.hands == "none" else tuple(filter(None, options.hands.split(",")))
    hands = study_hands(recordings=options.recordings, names=names, scaled=False)
    model = fit_on(hands)
    try:
        model.save(options.out)
    except OSError as error:
        raise ConfigError(
            "the model cannot be written", given=options.out, mend=error.strerror or str(error)
        ) from error
    print(f"{options.out}  fitted on {model.pose_count} poses of {len(model.names)} tracks")
    return 0
