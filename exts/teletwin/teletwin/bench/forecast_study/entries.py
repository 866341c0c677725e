"""The forecasters of a study, and which of them learn offline and from what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module

from teletwin.bench.forecast_study.hands import StudyHand
from teletwin.errors import ConfigError, MissingPartError
from teletwin.forecast import FORECASTERS, Forecaster, build_forecaster, forecast_cost_ms
from teletwin.forecast.combined import CombinedCfg, CombinedForecaster
from teletwin.forecast.habits import HabitCfg

COMBINED = "combined"
HOLD = "hold"
SLOW_MS = 1.0
"""A forecaster whose pose takes longer is judged on few windows, and only when asked for."""
COMBINED_ALONE = "combined-alone"
"""The combined forecaster without what it learns of a hand's habits."""
INFORMER = "informer"
_INFORMER_MODULE = "teletwin_training.informer"

_REFIT_PILES = 4

Fit = Callable[[Sequence[StudyHand]], Forecaster]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A forecaster of the study.

    One without `fit` runs as it runs live. One with `fit` is trained here: the hands are dealt into `folds`
    piles and each pile is forecast by a model that saw only the others.
    """

    name: str
    fit: Fit | None = None
    folds: int = 1
    thin: bool = False
    """Too slow for every slot: fed a few windows of each hand only."""


def entries_of(names: Sequence[str]) -> list[Entry]:
    """The forecasters of these names; holding the pose is always among them.

    Raises:
        ConfigError: No forecaster has this name, or one is named twice.
        MissingPartError: It needs a package that is not installed.
    """
    if len(set(names)) != len(names):
        raise ConfigError("a forecaster is named twice", given=",".join(names))
    entries = [_entry(name) for name in names]
    return entries if HOLD in names else [Entry(name=HOLD), *entries]


def all_names() -> tuple[str, ...]:
    """Every name that can be asked for."""
    return (*FORECASTERS, COMBINED_ALONE, *_REFITTED, INFORMER)


def usual_names() -> tuple[str, ...]:
    """Every forecaster that keeps up with the loop, and the pooled ones fitted anew."""
    return (*(name for name in FORECASTERS if not _is_slow(name)), *_REFITTED)


def piles_of(entry: Entry, hands: Sequence[StudyHand]) -> list[int]:
    """The pile of each hand; a hand's model is trained on the hands of other piles."""
    return [index % min(entry.folds, len(hands)) for index in range(len(hands))]


def forecaster_for(entry: Entry, pile: int, hands: Sequence[StudyHand]) -> Forecaster:
    """Build a forecaster for one pile.

    Raises:
        ConfigError: Nothing is left to train on.
    """
    if entry.name == COMBINED_ALONE:
        return CombinedForecaster(cfg=CombinedCfg(habits=HabitCfg(used=False)))
    if entry.fit is None:
        return build_forecaster(entry.name)
    others = [hand for hand, of in zip(hands, piles_of(entry, hands), strict=True) if of != pile]
    if not others:
        raise ConfigError(
            f"'{entry.name}' is trained on the other hands of the study, and there is none", mend="give more hands"
        )
    return entry.fit(others)


def _entry(name: str) -> Entry:
    if name in FORECASTERS or name == COMBINED_ALONE:
        return Entry(name=name, thin=_is_slow(name))
    if name in _REFITTED:
        return Entry(name=name, fit=_REFITTED[name], folds=_REFIT_PILES)
    if name == INFORMER:
        return Entry(name=name, fit=_informer_fit(), folds=2, thin=True)
    raise ConfigError("no forecaster has this name", given=name, allowed=", ".join(all_names()))


def _is_slow(name: str) -> bool:
    return name != COMBINED_ALONE and forecast_cost_ms(name) > SLOW_MS


def _informer_fit() -> Fit:
    try:
        module = import_module(_INFORMER_MODULE)
    except ModuleNotFoundError as error:
        raise MissingPartError(
            "the informer lies in teletwin_training, which is not installed", mend="pip install 'teletwin[informer]'"
        ) from error
    module.require_neuralforecast()
    return lambda hands: module.train_informer([track for hand in hands for track in hand.tracks])


def _refitted_ar(hands: Sequence[StudyHand]) -> Forecaster:
    from teletwin.bench.forecast_study.pooling import refitted_ar

    return refitted_ar(hands)


def _refitted_fir(hands: Sequence[StudyHand]) -> Forecaster:
    from teletwin.bench.forecast_study.pooling import refitted_fir

    return refitted_fir(hands)


_REFITTED: dict[str, Fit] = {"pooled-ar-refit": _refitted_ar, "pooled-fir-refit": _refitted_fir}
"""Fitted on the other hands of the study."""
REFITTED_NAMES = tuple(_REFITTED)
"""They know the other hands of the study."""
