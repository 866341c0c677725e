"""The forecast study judges honestly: right errors, no future, no training on what is tested."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from teletwin.bench.forecast_study import entries as study_entries
from teletwin.bench.forecast_study.bars import accuracy_rows, best_single, cost_rows
from teletwin.bench.forecast_study.cells import CELL_HORIZONS_MS, cell_rows, cells_of
from teletwin.bench.forecast_study.entries import Entry, entries_of, forecaster_for, piles_of, usual_names
from teletwin.bench.forecast_study.errors import ErrorSums, ratios
from teletwin.bench.forecast_study.hands import StudyHand, motion_facts, study_hands
from teletwin.bench.forecast_study.promises import Promises
from teletwin.bench.forecast_study.run import StudyCfg, run_study
from teletwin.bench.forecast_study.slots import slots_of
from teletwin.errors import ConfigError
from teletwin.forecast.hold import HoldForecaster
from teletwin.geometry import IDENTITY_POSE, quat_from_rotvec
from teletwin.hand.recording import HandRecording
from teletwin.hand.synthetic import draw_recording
from teletwin.report.document import build_report, report_faults, write_report
from teletwin.report.forecast_cells import cells_markdown, draw_cells
from teletwin.report.forecast_figures import save_study_figures
from teletwin.report.forecast_tables import study_markdown, study_tables

HORIZONS_S = 0.02 * np.arange(1, 26)
RAMP_M_S = 0.1


def track_of(poses: np.ndarray, *, rate_hz: float = 143.0, name: str = "hand") -> HandRecording:
    t_ns = np.round(np.arange(len(poses)) * 1e9 / rate_hz).astype(np.int64)
    return HandRecording(name=name, t_ns=t_ns, poses=poses)


def ramp(duration_s: float = 4.0, *, rate_hz: float = 143.0) -> HandRecording:
    """A hand that moves along x at 0.1 m/s."""
    poses = np.tile(IDENTITY_POSE, (round(duration_s * rate_hz), 1))
    poses[:, 0] = RAMP_M_S * np.arange(len(poses)) / rate_hz
    return track_of(poses, rate_hz=rate_hz, name="ramp")


def hand_of(track: HandRecording, *, kind: str = "recording") -> StudyHand:
    return StudyHand(name=track.name, kind=kind, tracks=(track,))


@pytest.fixture(scope="module")
def study():
    hands = study_hands(names=("line", "reach"), seeds=2, duration_s=6.0, scaled=False)
    names = ("hold", "linear", "arma", "pooled-fir-refit")
    return run_study(hands, StudyCfg(forecasters=names, every_ms=100))


def test_holding_a_ramp_errs_by_speed_times_horizon():
    study = run_study([hand_of(ramp())], StudyCfg(forecasters=("hold", "arma")))
    figures = study.results["hands"]["ramp"]["forecasters"]["hold"]
    assert np.allclose(figures["position_mm"]["by_horizon"], 1e3 * RAMP_M_S * HORIZONS_S, rtol=1e-6)
    assert np.allclose(figures["position_axis_mm"]["by_horizon"], 1e3 * RAMP_M_S * HORIZONS_S / np.sqrt(3), rtol=1e-6)
    assert figures["position_mm"]["mean"] == pytest.approx(1e3 * RAMP_M_S * HORIZONS_S.mean())
    assert figures["to_hold_ratio"]["position"]["mean"] == pytest.approx(1.0)
    assert figures["to_hold_ratio"]["orientation"]["mean"] is None  # nothing turned: no ratio, and no nonsense


def test_a_forecast_that_is_wrong_by_a_known_angle_shows_that_angle_and_a_quarter_of_it_in_components():
    truth = np.tile(IDENTITY_POSE, (10, 3, 1))
    forecast = truth.copy()
    forecast[..., 3:] = -quat_from_rotvec(np.array([0.02, 0.0, 0.0]))  # the other sign of the same rotation
    sums = ErrorSums(3)
    sums.add(forecast, truth)
    assert np.allclose(sums.geodesic_deg(), np.rad2deg(0.02))
    assert np.allclose(sums.quaternion(), 0.02 / 4.0, rtol=1e-3)


def test_a_forecast_that_is_no_number_is_infinitely_wrong_and_never_the_best():
    sums = ErrorSums(2)
    forecast = np.tile(IDENTITY_POSE, (1, 2, 1))
    forecast[0, 1, 0] = np.nan
    sums.add(forecast, np.tile(IDENTITY_POSE, (1, 2, 1)))
    assert np.isinf(sums.euclidean_mm()[1])
    assert ratios(sums.euclidean_mm(), np.ones(2))["worst"] == np.inf


def test_windows_hold_the_past_only():
    calm, turned = ramp(), ramp().poses.copy()
    at = round(2.0 * 143.0)
    turned[at:, 0] = turned[at, 0] - (turned[at:, 0] - turned[at, 0])
    turned_track = track_of(turned)
    kwargs = {"count": 100, "past_s": 1.0, "horizons_s": HORIZONS_S, "every": 1}
    before_ns = int(turned_track.t_ns[at])
    pairs = [
        (a, b)
        for a, b in zip(slots_of(calm, **kwargs), slots_of(turned_track, **kwargs), strict=True)
        if a.origin_ns <= before_ns
    ]
    assert len(pairs) > 150
    assert all(np.array_equal(a.window, b.window) for a, b in pairs)


def test_forecasters_are_fed_every_slot_and_judged_at_some():
    slots = list(slots_of(ramp(4.0), count=100, past_s=1.0, horizons_s=HORIZONS_S, every=5))
    assert [slot.number for slot in slots] == list(range(len(slots)))
    judged = [slot.number for slot in slots if slot.truth is not None]
    assert judged
    assert set(np.diff(judged)) == {5}
    for slot in slots:
        if slot.truth is not None:
            assert slot.truth[0, 0] == pytest.approx(slot.window[-1, 0] + RAMP_M_S * 0.02, abs=1e-9)


def test_memory_of_one_recording_does_not_reach_the_next():
    resets = []

    class Counting(HoldForecaster):
        def reset(self) -> None:
            resets.append(True)

    entry = Entry(name="counting", fit=lambda hands: Counting(), folds=2)
    hands = study_hands(names=("line", "reach"), seeds=2, duration_s=5.0, scaled=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("teletwin.bench.forecast_study.run.entries_of", lambda names: [Entry(name="hold"), entry])
        run_study(hands, StudyCfg(forecasters=("hold",)))
    assert len(resets) == 4


def test_a_model_fitted_in_the_study_never_saw_the_hand_it_is_tried_on():
    hands = [hand_of(ramp(), kind="synthetic") for _ in range(5)]
    hands = [StudyHand(name=f"h{k}", kind="synthetic", tracks=hand.tracks) for k, hand in enumerate(hands)]
    seen = []

    def fit(others):
        seen.append({hand.name for hand in others})
        return HoldForecaster()

    for folds in (2, 4, 99):
        entry = Entry(name="x", fit=fit, folds=folds)
        for hand, pile in zip(hands, piles_of(entry, hands), strict=True):
            forecaster_for(entry, pile, hands)
            assert hand.name not in seen[-1]
            assert seen[-1]


def test_one_hand_alone_cannot_be_forecast_by_a_model_of_the_others():
    with pytest.raises(ConfigError, match="trained on the other hands"):
        run_study([hand_of(ramp())], StudyCfg(forecasters=("pooled-fir-refit",)))


def test_made_up_hands_of_the_study_are_not_those_of_the_shipped_model(study):
    figures = study.results["hands"]["line"]["forecasters"]
    assert not any(each["was_seen_in_fit"] for each in figures.values())


def test_the_shipped_model_is_marked_on_the_hand_it_was_fitted_on():
    hands = study_hands(names=("handwriting",), scaled=False)
    study = run_study(hands, StudyCfg(forecasters=("pooled-fir", "arma"), every_ms=500))
    figures = study.results["hands"]["handwriting"]["forecasters"]
    assert figures["pooled-fir"]["was_seen_in_fit"]
    assert not figures["arma"]["was_seen_in_fit"]
    assert best_single(study.results["hands"]["handwriting"], "position_mm")[0] in ("arma", "hold")


def test_forecasting_a_tracing_hand_is_better_than_holding_it(study):
    ratio = study.results["hands"]["line"]["forecasters"]["arma"]["to_hold_ratio"]
    assert ratio["position"]["mean"] < 0.6
    assert ratio["orientation"]["mean"] < 1.0


def test_speed_stands_beside_every_millimetre(study):
    for facts in study.results["hands"].values():
        assert 5.0 < facts["speed_mm_s"]["rms"] < 100.0
    assert motion_facts([ramp()])["speed_mm_s"]["rms"] == pytest.approx(100.0, rel=1e-6)


def test_a_forecaster_that_expects_its_error_rightly_is_said_to():
    class Candid(HoldForecaster):
        def predicted_error_m(self, horizon_s):
            return RAMP_M_S * np.asarray(horizon_s)

        def predicted_error_rad(self, horizon_s):
            return np.full_like(np.asarray(horizon_s), 0.1)

    promises = Promises(Candid(), 25)
    for slot in slots_of(ramp(), count=100, past_s=1.0, horizons_s=HORIZONS_S, every=10):
        if slot.truth is not None:
            promises.judge(np.repeat(slot.window[-1:], 25, axis=0), slot.truth)
    told = promises.figures()
    assert np.allclose(told["position"]["met_to_expected_ratio"], 1.0)
    assert np.allclose(told["position"]["within_twice_expected_share"], 1.0)
    assert np.allclose(told["orientation"]["met_to_expected_ratio"], 0.0)
    assert Promises(HoldForecaster(), 25).figures() == {}


def test_slow_forecasters_get_few_windows_and_hold_beside_them_is_on_the_same(monkeypatch):
    monkeypatch.setattr(study_entries, "_is_slow", lambda name: name == "arma")
    study = run_study([hand_of(ramp(6.0))], StudyCfg(forecasters=("hold", "arma"), thin_count=7))
    figures = study.results["hands"]["ramp"]["forecasters"]
    assert 7 <= figures["arma"]["forecast_count"] <= 14 < figures["hold"]["forecast_count"]
    assert figures["arma"]["position_mm"]["hold_mean"] == pytest.approx(figures["hold"]["position_mm"]["mean"])
    assert best_single(study.results["hands"]["ramp"], "position_mm")[0] == "hold"


def test_the_report_is_faultless_and_the_tables_and_figures_are_drawn(study, tmp_path):
    document = build_report("forecast", results=study.results, configuration={}, seed=None)
    assert report_faults(document) == []
    assert write_report(document, tmp_path / "forecast.json").stat().st_size > 1000
    assert len(study_tables(study.results)) == 2
    text = study_markdown(study.results)
    assert "pooled-fir-refit" in text
    assert "reach" in text
    figures = save_study_figures(study.results, study.traces, tmp_path, fanned=("arma",))
    assert len(figures) == 5
    assert all(path.stat().st_size > 1500 for path in figures)


def test_traces_fan_forecasts_out_from_where_the_hand_was(study):
    trace = study.traces[0]
    assert len(trace.fans["hold"]) >= 10
    for t_s, position_mm in trace.fans["hold"]:
        assert position_mm[0] == pytest.approx(np.interp(t_s[0], trace.t_s, trace.position_mm), abs=0.2)
        assert np.ptp(position_mm) < 1e-9


def test_the_bars_say_which_recording_was_worst():
    def figures(error, hold=2.0):
        ratio = {"by_horizon": [error / hold], "mean": error / hold, "worst": error / hold}
        measure = {"mean": error, "pooled": error, "hold_pooled": hold}
        return {
            "forecast_count": 10,
            "was_seen_in_fit": False,
            "to_hold_ratio": {"position": ratio, "orientation": ratio},
            **dict.fromkeys(("position_mm", "orientation_deg", "position_axis_mm"), measure),
        }

    def facts(combined):
        named = {"hold": figures(2.0), "arma": figures(1.0), "combined": figures(combined)}
        return {"kind": "recording", "speed_mm_s": {"rms": 26.0, "median": 16.0}, "forecasters": named}

    rows = list(accuracy_rows({"horizons_ms": [500], "hands": {"good": facts(0.9), "bad": facts(1.2)}}))
    over_hold, over_best = rows[0], rows[1]
    assert over_hold.passed
    assert over_hold.value == pytest.approx(0.6)
    assert not over_best.passed
    assert "bad" in over_best.note
    assert "1 of 2" in over_best.note


def test_cells_judge_every_rate_and_horizon_of_the_long_recordings(tmp_path):
    long, short = draw_recording("trace", seed=3, duration_s=9.0), draw_recording("trace", seed=4, duration_s=5.0)
    cfg = StudyCfg(forecasters=("hold", "linear", "arma", "combined"), every_ms=100, rates_hz=(30, 60, 250))
    results = run_study([hand_of(long), hand_of(short)], cfg).results
    cells = cells_of(results, "position")
    assert {(cell.rate_hz, cell.horizon_ms) for cell in cells} == set(product((0, 30, 60), CELL_HORIZONS_MS))
    assert {cell.hand for cell in cells} == {long.name}
    for cell in cells:
        assert cell.best == min(cell.errors[name] for name in ("hold", "linear", "arma"))
        assert cell.over_best == pytest.approx(cell.errors["combined"] / cell.errors[cell.best_name])
    by_rate = results["hands"][long.name]["by_rate"]
    assert by_rate["30"]["hold"]["position_mm"]["mean"] == pytest.approx(
        results["hands"][long.name]["forecasters"]["hold"]["position_mm"]["mean"], rel=0.05
    )
    rows = {row.name: row for row in cell_rows(results)}
    worst = rows["combined over the best single one, position, worst cell"]
    assert worst.value == max(cell.over_best for cell in cells)
    assert f"of {len(cells)} within" in worst.note
    assert "| 140 ms |" in cells_markdown(cells, measure="position", unit="mm")
    assert draw_cells(tmp_path / "cells.png", cells, measure="position").stat().st_size > 1500


def test_the_cost_row_compares_with_statsmodels():
    row = list(cost_rows({"forecast_statsmodels_autoreg_ms_p50": 18.0, "forecast_autoreg_us_p50": 9.0}))[-1]
    assert row.value == pytest.approx(2000.0)
    assert row.passed


def test_unknown_names_and_odd_grids_are_refused():
    with pytest.raises(ConfigError, match="no forecaster"):
        entries_of(["oracle"])
    with pytest.raises(ConfigError, match="twice"):
        entries_of(["arma", "arma"])
    with pytest.raises(ConfigError, match="horizon_ms"):
        StudyCfg(horizon_ms=510)
    with pytest.raises(ConfigError, match="too short"):
        run_study([hand_of(ramp(1.2))], StudyCfg(forecasters=("hold",)))


def test_holding_stands_beside_whatever_is_asked_for():
    assert [entry.name for entry in entries_of(["arma"])] == ["hold", "arma"]
    assert "arima" not in usual_names()
