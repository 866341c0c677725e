"""Pooled models fitted on some hands of a study, to be tried on the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from teletwin.bench.forecast_study.hands import StudyHand
from teletwin.forecast import Forecaster
from teletwin.forecast.fit import fit_pooled
from teletwin.forecast.pooled import PooledArForecaster, PooledFirForecaster, default_model
from teletwin.forecast.pooled_model import PooledModel
from teletwin.geometry import Array
from teletwin.hand.resampled import resample

SHIPPED = ("pooled-ar", "pooled-fir", "combined", "combined-alone")
"""Forecasters that carry the shipped model."""


def fit_on(hands: Sequence[StudyHand]) -> PooledModel:
    """The pooled model of these hands."""
    return fit_pooled(_tracks(hands))


def refitted_ar(hands: Sequence[StudyHand]) -> Forecaster:
    """The pooled autoregression of these hands."""
    return PooledArForecaster(model=fit_on(hands))


def refitted_fir(hands: Sequence[StudyHand]) -> Forecaster:
    """The pooled FIR of these hands."""
    return PooledFirForecaster(model=fit_on(hands))


def was_seen(name: str, hand: StudyHand) -> bool:
    """Whether the shipped model inside this forecaster was fitted on this very hand."""
    return name in SHIPPED and hand.name in default_model().names


def _tracks(hands: Sequence[StudyHand]) -> Iterator[tuple[str, Array]]:
    for hand in hands:
        for number, track in enumerate(hand.tracks):
            name = hand.name if len(hand.tracks) == 1 else f"{hand.name}:{number}"
            yield name, resample(track).even()
