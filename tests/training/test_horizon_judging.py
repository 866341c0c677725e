"""What policies are judged on and beside: names, baselines, stretches, parts of a folder, studies, paces, schedules."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from io import StringIO

import numpy as np
import pytest
from made_hands import on_grid, waves
from rich.console import Console

from teletwin.bench.forecast_study.hands import study_hands
from teletwin.bench.forecast_study.run import StudyCfg, run_study
from teletwin.cli import main
from teletwin.errors import ConfigError
from teletwin.hand.recording import HandRecording
from teletwin.horizon.policy_file import identity_policy, save_policy
from teletwin_training.cli.evaluate import EvaluateOptions
from teletwin_training.horizon import hands as horizon_hands
from teletwin_training.horizon.baselines import Baselines, Bench, ProbeCfg
from teletwin_training.horizon.conditions import EVALUATED
from teletwin_training.horizon.direct import DirectCfg, DirectData, _progress, train_direct
from teletwin_training.horizon.environment import EnvCfg
from teletwin_training.horizon.evaluation import compare as comparing
from teletwin_training.horizon.evaluation import studies
from teletwin_training.horizon.evaluation.compare import CompareCfg, compare, outcome_facts
from teletwin_training.horizon.evaluation.methods import all_methods, unforecast_methods
from teletwin_training.horizon.evaluation.tables import evaluation_markdown
from teletwin_training.horizon.hand_names import part_of
from teletwin_training.horizon.hands import bank_of, load_hands
from teletwin_training.horizon.sessions import draw_sessions

FOUR = (0.1, 0.1, 0.1, 0.1)


def found(*, stock=False, forecaster="arma"):
    return Baselines(
        fixed=dict.fromkeys(EVALUATED, FOUR),
        late_offsets=FOUR,
        sender_offsets={"0.05": FOUR, "1.0": FOUR},
        stock=stock,
        forecaster=forecaster,
    )


def policy_with(*forecasters):
    """A policy whose training found baselines with these forecasters: of its own loop, then of the plain one."""
    names = ("baselines", "plain_baselines")[: len(forecasters)]
    notes = {
        name: asdict(found(stock=name != "baselines", forecaster=each))
        for name, each in zip(names, forecasters, strict=True)
    }
    return replace(identity_policy(), note=notes)


@pytest.mark.parametrize("forecaster", ["arma", "combined", "hold"])
def test_a_policy_of_any_forecaster_has_baselines_beside_it(forecaster):
    methods = all_methods({"mine": policy_with(forecaster, forecaster)})
    names = [method.name for method in methods]
    assert {"none", "fixed", "late", "none_stock", "fixed_stock", "mine"} <= set(names)
    assert {method.forecaster for method in methods if method.name in ("none", "fixed_stock")} == {forecaster}


def test_with_policies_of_several_forecasters_there_is_one_set_of_baselines():
    methods = all_methods({"a": policy_with("combined"), "b": policy_with("arma")})
    assert [method.forecaster for method in methods if method.name == "fixed"] == ["arma"]


def test_a_policy_with_a_baseline_s_name_is_refused():
    with pytest.raises(ConfigError, match="two methods have one name; given: late; rename"):
        all_methods({"late": policy_with("arma")})


def test_policies_of_one_name_are_refused_before_anything_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(comparing, "compare", lambda *_, **__: pytest.fail("it ran"))
    for folder in ("a/h", "b/h", "late"):
        (tmp_path / folder).mkdir(parents=True)
        save_policy(tmp_path / folder / "policy.npz", policy_with("arma"))
    monkeypatch.chdir(tmp_path)
    for given, name in (("a/h,b/h", "h"), ("late", "late"), ("a/h,a/h", "h")):
        assert main(["evaluate", "horizon", "--policy", given, "--out", str(tmp_path / "e")]) == 2
        assert f"two methods have one name; given: {name};" in capsys.readouterr().err
    monkeypatch.chdir(tmp_path / "late")
    for given in (".", "policy.npz"):
        assert main(["evaluate", "horizon", "--policy", given, "--out", str(tmp_path / "e")]) == 2
        assert "given: late;" in capsys.readouterr().err


@pytest.fixture(scope="module")
def bank():
    return bank_of([waves(1500, seed=1), replace(waves(620, seed=2), name="brief"), waves(1400, seed=3)])


def test_a_short_hand_is_left_out_by_name_and_the_report_tells_the_real_stretch(bank, monkeypatch, caplog):
    monkeypatch.setattr(comparing, "load_hands", lambda *_, **__: bank)
    cfg = CompareCfg(conditions=("jitter",), sessions=1, slots=2500, arm="lag")
    method = unforecast_methods("arma")[1]
    outcome = compare(["any"], [method], cfg)
    assert outcome.slots == 1400 - 514
    assert [hand["name"] for hand in outcome.hands] == ["waves:seed=1", "waves:seed=3"]
    assert set(outcome.names) == {"waves:seed=1", "waves:seed=3"}
    facts = outcome_facts(outcome)
    assert (facts["slots"], facts["left_out"]) == (886, [{"name": "brief", "why": "too short to be judged"}])
    assert "left out: brief: too short to be judged" in caplog.text
    told = evaluation_markdown(outcome, [], {})
    assert (
        "886 slots of 10 ms of each hand are judged (at most 2500 were asked for). "
        "Left out, 1: brief (too short to be judged)." in told
    )


def test_a_short_hand_does_not_cut_the_training_s_judging_and_has_a_norm_all_the_same(bank):
    sessions = draw_sessions(["jitter"], each=2, duration_s=15.0, seed=1)
    bench = Bench(bank, sessions, ProbeCfg(slots=800))
    assert (bench.numbers, bench.short, bench.slots) == ([0, 2], [1], 800)
    norm = bench.rule_norm()
    assert norm.shape == (3, 2, 4)
    assert (norm > 0.0).all()
    alone = Bench(bank, sessions, ProbeCfg(slots=800), numbers=[0, 2]).rule_norm()
    np.testing.assert_array_equal(norm[[0, 2]], alone)


def test_where_every_hand_is_short_all_are_judged_over_the_shortest():
    sessions = draw_sessions(["jitter"], each=1, duration_s=15.0, seed=1)
    bench = Bench(bank_of([waves(700), waves(650, seed=1)]), sessions)
    assert (bench.numbers, bench.short, bench.slots) == ([0, 1], [], 650 - 514)


def test_a_part_of_a_folder_that_holds_nothing_is_refused(tmp_path):
    (tmp_path / "a.csv").touch()
    assert [path.name for path in part_of(str(tmp_path), "train")] == ["a.csv"]
    with pytest.raises(ConfigError, match="this part of the folder holds no recording; given: part test of 1 in"):
        part_of(str(tmp_path), "test")


@pytest.fixture
def studied(tmp_path, monkeypatch):
    """Trains studies in no time; returns (options -> metrics) and the list of seeds that were trained."""
    trained = []

    def train(cfg, run, watcher, **_):
        trained.append(cfg.seed)
        return type("Taught", (), {"scores": {"best": (1.0, [])}, "took_s": {"ppo": 1.0}, "curve": []})

    monkeypatch.setattr(studies, "train_recorded", train)
    console = Console(file=StringIO())
    return lambda options: studies._trained(options, tmp_path / "alone_0", "alone", 0, console), trained


def test_a_study_takes_its_own_trainings_as_they_are_and_refuses_another_s(studied, tmp_path):
    ask, trained = studied
    mine = EvaluateOptions(made_up="line")
    assert ask(mine) == ask(mine)
    assert trained == [0]
    with pytest.raises(ConfigError, match=r"the folder holds another study; given: .*alone_0.*give another folder"):
        ask(replace(mine, made_up="reach"))
    path = tmp_path / "alone_0" / "metrics.json"
    path.write_text(json.dumps({name: fact for name, fact in ask(mine).items() if name != "key"}))
    with pytest.raises(ConfigError, match="the folder holds another study"):
        ask(mine)


def test_the_key_of_a_study_tells_recordings_apart_but_not_where_their_folder_lies(tmp_path):
    keys = []
    for folder, names in (("a", "xy"), ("b", "xy"), ("c", "xz")):
        (tmp_path / folder).mkdir()
        for name in names:
            (tmp_path / folder / f"{name}.csv").touch()
        options = EvaluateOptions(made_up="line", recordings=str(tmp_path / folder))
        keys.append(studies.study_key(studies.study_cfg(options, "guided", 0)))
    assert keys[0] == keys[1] != keys[2]


def with_gap(gap_s):
    """Slow waves of 12 s with a gap in the middle."""
    whole = waves(1200)
    keep = np.ones(1200, dtype=bool)
    keep[601 : 600 + round(100 * gap_s)] = False
    return HandRecording(name=f"gap {gap_s:g}", t_ns=whole.t_ns[keep], poses=whole.poses[keep])


def test_a_recording_is_left_out_at_a_pace_that_stretches_its_gap_too_far(monkeypatch, caplog):
    made = {"calm": on_grid("calm", waves(1200).poses), "gap": with_gap(0.41), "brink": with_gap(0.28)}
    monkeypatch.setattr(horizon_hands, "load_hand", lambda name, **_: made[name])
    names = load_hands(list(made), forecaster="linear", paces=(1.0, 0.6)).names
    assert names == ("calm", "gap 0.41", "gap 0.28", "calm@0.6", "gap 0.28@0.6")
    assert "'gap 0.41' is left out at pace 0.6: its longest gap is 0.41 s" in caplog.text


def test_the_learning_rate_reads_the_clock_only_where_time_ends_the_learning():
    assert _progress(0.0, 1e-6) == 0.0
    assert _progress(0.1, 0.2) == 0.1
    assert _progress(0.6, 0.5) == 0.6
    assert _progress(0.2, 0.5) == 0.5


class Ticking:
    """A clock that moves on by so much [ns] whenever it is read."""

    def __init__(self, step_ns):
        self._now_ns, self._step_ns = 0, step_ns

    def now_ns(self):
        self._now_ns += self._step_ns
        return self._now_ns


def test_the_same_seed_gives_the_same_bits_on_a_slower_machine(bank):
    pytest.importorskip("torch")
    sessions, env = draw_sessions(["jitter"], each=2, duration_s=15.0, seed=1), EnvCfg()
    learned = []
    for step_ns in (1_000, 300_000_000):
        data = DirectData(bank, sessions, env, np.ones((3, 2, 4)), seed=0)
        cfg = DirectCfg(seconds=10.0, updates=8, batch=64, hidden=(8,))
        learned.append(train_direct(data, env, cfg, clock=Ticking(step_ns)).weights.layers)
    for quick, slow in zip(*learned, strict=True):
        np.testing.assert_array_equal(quick[0], slow[0])
        np.testing.assert_array_equal(quick[1], slow[1])


def test_hands_of_one_name_keep_a_row_each():
    hands = study_hands(names=("line", "reach"), seeds=1, duration_s=5.0, scaled=False)
    hands = [hands[0], hands[0], replace(hands[1], name="line"), replace(hands[1], name="line (2)")]
    study = run_study(hands, StudyCfg(forecasters=("hold",)))
    names = ["line", "line (3)", "line (4)", "line (2)"]
    assert list(study.results["hands"]) == names
    assert [trace.hand for trace in study.traces] == names
