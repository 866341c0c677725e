"""What is kept of a person between sessions."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

from teletwin.errors import ConfigError
from teletwin.forecast import build_forecaster
from teletwin.forecast.habits import PAIRS, PersonHabits
from teletwin.forecast.person_file import FORMAT, VERSION, known_person, load_person, person_path, save_person
from teletwin.messages import CURVE_KNOTS
from teletwin.session.config import SessionCfg
from teletwin.session.forecasting import live_forecaster, retire
from teletwin.session.person import check_person


@pytest.fixture(autouse=True)
def data_home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data"


def some_habits() -> PersonHabits:
    rng = np.random.default_rng(4)
    return PersonHabits(
        weights=rng.normal(size=(PAIRS, 16)),
        checks=np.abs(rng.normal(size=(PAIRS, 4))),
        counts=np.full(PAIRS, 1500.0),
    )


def test_what_is_saved_is_loaded():
    habits = some_habits()
    path = save_person("ann-1", habits)
    back = known_person("ann-1")
    assert path.stat().st_size < 20_000
    for name in ("weights", "checks", "counts"):
        np.testing.assert_array_equal(getattr(back, name), getattr(habits, name))


def test_the_same_habits_make_the_same_bytes():
    first = save_person("ann", some_habits()).read_bytes()
    assert save_person("ann", some_habits()).read_bytes() == first


def test_nobody_is_known_before_the_first_session():
    assert load_person("ann") is None
    with pytest.raises(ConfigError, match="nothing is kept"):
        known_person("ann")


@pytest.mark.parametrize("name", ["", ".", "..", "../ann", "a/b", "a b", "-x", "a\n", "ä", "x" * 65, "a\0b"])
def test_names_that_lead_elsewhere_are_refused(name):
    with pytest.raises(ConfigError, match="person's name"):
        person_path(name)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:300]),
        lambda path: path.write_bytes(os.urandom(400)),
        lambda path: path.write_bytes(b"0" * (2 << 20)),
        lambda path: np.savez(path, weights=np.zeros((PAIRS, 16))),
        lambda path: rewrite(path, form="something-else"),
        lambda path: rewrite(path, version=VERSION + 1),
        lambda path: rewrite(path, weights=np.full((PAIRS, 16), np.nan)),
        lambda path: rewrite(path, weights=np.zeros((1000, 1000))),
        lambda path: rewrite(path, counts=np.array([{}], dtype=object)),
        lambda path: (path.unlink(), path.mkdir()),
    ],
)
def test_a_file_that_is_no_persons_is_refused_in_one_line(spoil):
    spoil(save_person("ann", some_habits()))
    with pytest.raises(ConfigError, match="not a person's file") as caught:
        load_person("ann")
    assert "\n" not in str(caught.value)


def rewrite(path, *, form=FORMAT, version=VERSION, **changed):
    habits = some_habits()
    arrays = {name: getattr(habits, name) for name in ("weights", "checks", "counts")} | changed
    meta = np.frombuffer(json.dumps({"format": form, "version": version}).encode(), dtype=np.uint8)
    with path.open("wb") as stream:
        np.savez(stream, meta=meta, **arrays)


def test_a_folder_that_cannot_be_made_is_one_clear_error(data_home):
    data_home.write_text("a file where the folder should be")
    with pytest.raises(ConfigError, match="cannot be written"):
        save_person("ann", some_habits())


def draw(forecaster, *, slots: int) -> None:
    t = np.arange(slots + 100) / 100.0
    path = np.tile([0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0], (len(t), 1))
    path[:, 0], path[:, 1] = 0.05 * np.sin(5.0 * t), 0.03 * np.sin(11.0 * t)
    for end in range(100, len(t)):
        forecaster.forecast(path[end - 100 : end], out=np.empty((CURVE_KNOTS, 7)))


def test_a_session_goes_on_from_the_one_before():
    first, _ = live_forecaster("combined", slot_s=0.01, person="ann")
    draw(first, slots=600)
    retire(first, "ann")
    kept = known_person("ann")
    assert kept.counts.max() > 300.0
    second, _ = live_forecaster("combined", slot_s=0.01, person="ann")
    np.testing.assert_array_equal(second.habits.weights, kept.weights)


def test_a_session_that_taught_nothing_leaves_the_file_alone():
    save_person("ann", some_habits())
    before = person_path("ann").read_bytes()
    fresh, _ = live_forecaster("combined", slot_s=0.01, person="bea")
    draw(fresh, slots=20)
    retire(fresh, "bea")
    assert not person_path("bea").exists()
    arma, _ = live_forecaster("arma", slot_s=0.01, person="ann")
    retire(arma, "ann")
    assert person_path("ann").read_bytes() == before


def test_without_a_name_nothing_is_kept(data_home):
    forecaster = build_forecaster("combined")
    draw(forecaster, slots=300)
    retire(forecaster)
    assert not data_home.exists()


def test_a_person_is_refused_before_anything_starts():
    check_person("", "arma")
    with pytest.raises(ConfigError, match="needs a forecaster that learns"):
        check_person("ann", "arma")
    with pytest.raises(ConfigError, match="person's name"):
        check_person("../ann", "combined")
    save_person("ann", some_habits()).write_bytes(b"nothing")
    with pytest.raises(ConfigError, match="not a person's file"):
        check_person("ann", "combined")
    assert SessionCfg().person == ""
