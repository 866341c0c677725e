"""The lanes of Kit: what their environments hold, when they are made, and on which Python."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture
def lanes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The script's module; nothing is made or asked for outside of tmp_path."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import kit_lanes

    (tmp_path / "scripts").mkdir()
    for kit in (107, 110):
        name = f"scripts/requirements-kit-{kit}.txt"
        (tmp_path / name).write_text((SCRIPTS.parent / name).read_text())
    monkeypatch.setattr(kit_lanes, "ROOT", tmp_path)
    return kit_lanes


@pytest.fixture
def machine(lanes: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Machine:
    made = Machine(lanes, [tmp_path / name for name in ("python3.11", "python3.12", "other")])
    monkeypatch.setattr(lanes, "find_python", lambda version: made.pythons.get(version))
    monkeypatch.setattr(lanes, "make_environment", made.make)
    monkeypatch.setattr(lanes, "run_pip", made.install)
    monkeypatch.setattr(lanes, "_found", lambda lane: made.holds.get(lane.folder, []))
    return made


class Machine:
    """Pythons by version, and what pip was told for which environment."""

    def __init__(self, lanes: ModuleType, pythons: list[Path]) -> None:
        self.lanes = lanes
        for path in pythons:
            path.symlink_to(sys.executable)
        older, newer, self.other = map(str, pythons)
        self.pythons = {(3, 11): older, (3, 12): newer}
        self.installed: list[list[str]] = []
        self.made_with: list[str] = []
        self.holds: dict[Path, list[str]] = {}
        self.spoils = False

    def make(self, folder: Path, python: str) -> None:
        (folder / "lib/python3.99/site-packages").mkdir(parents=True, exist_ok=True)
        self.made_with.append(python)

    def install(self, python: str, arguments: list[str], *, count: int) -> None:
        self.installed.append(arguments)
        folder = Path(python).parents[1]
        lane = next(each for each in self.lanes.KIT_LANES if each.folder == folder)
        (version,) = [v for v, path in self.pythons.items() if path == self.made_with[-1]]
        self.holds[folder] = [] if self.spoils else [f"python=={version[0]}.{version[1]}", *lane.kit_pins]


def lane(lanes: ModuleType, kit: int):
    return next(each for each in lanes.KIT_LANES if each.kit == kit)


@pytest.mark.parametrize(
    ("kit", "python", "own"),
    [(107, (3, 11), ["numpy==1.26.4", "warp-lang==1.8.1"]), (110, (3, 12), ["numpy==2.3.1", "warp-lang==1.13.0"])],
)
def test_a_lane_has_kits_own_versions_and_all_others_from_the_locks(lanes, kit, python, own):
    mine = lane(lanes, kit)
    pins = lanes.lane_pins(mine)
    assert mine.python == python
    assert mine.kit_pins == own
    assert set(own) < set(pins)
    extension = lanes.pinned_lines(lanes.EXTENSION_PINS)
    locked = lanes.pinned_lines(lanes.LOCKS["test"])
    assert set(pins) - set(own) <= {*locked, *extension}
    assert set(extension) <= set(pins)
    names = [lanes.package_key(pin) for pin in pins]
    assert len(names) == len(set(names))
    assert not {"torch", "moderngl", "ur-rtde"} & set(names)
    assert {"pytest", "pytest-xdist", "usd-core"} <= set(names)


def test_a_second_run_installs_nothing(lanes, machine):
    assert lanes.ensure_lane(lane(lanes, 110)) == []
    assert len(machine.installed) == 1
    assert lanes.ensure_lane(lane(lanes, 110)) == []
    assert len(machine.installed) == 1


def test_another_version_python_or_a_broken_environment_is_installed_anew(lanes, machine, tmp_path):
    mine = lane(lanes, 110)
    lanes.ensure_lane(mine)
    (tmp_path / "scripts/requirements-kit-110.txt").write_text("numpy==2.3.2\nwarp-lang==1.13.0\n")
    lanes.ensure_lane(mine)
    assert "numpy==2.3.2" in machine.installed[-1]
    machine.pythons[3, 12] = machine.other
    lanes.ensure_lane(mine)
    machine.holds.clear()
    lanes.ensure_lane(mine)
    assert len(machine.installed) == 4


def test_hashes_are_checked_once_and_only_when_asked(lanes, machine):
    mine = lane(lanes, 107)
    lanes.ensure_lane(mine)
    for _ in range(2):
        lanes.ensure_lane(mine, check_hashes=True)
        lanes.ensure_lane(mine)
    assert ["--require-hashes" in each for each in machine.installed] == [False, True]


def test_the_python_of_isaac_sim_is_taken_though_another_started_the_tests(lanes, machine):
    for mine in lanes.KIT_LANES:
        assert lanes.ensure_lane(mine) == []
    assert machine.made_with == [machine.pythons[3, 11], machine.pythons[3, 12]]


@pytest.mark.parametrize(("kit", "missing", "left"), [(110, (3, 12), "3.11"), (107, (3, 11), "3.12")])
def test_where_that_python_does_not_exist_one_line_says_on_which_it_ran(lanes, machine, kit, missing, left):
    del machine.pythons[missing]
    (line,) = lanes.ensure_lane(lane(lanes, kit))
    assert line == f"Kit {kit} ran on Python {left}: this machine has no Python {missing[0]}.{missing[1]}"


def test_a_python_that_exists_and_fails_is_a_failure_and_nothing_else_is_tried(lanes, machine, monkeypatch):
    def fail(folder: Path, python: str) -> None:
        machine.made_with.append(python)
        raise lanes.BootstrapError("no room")

    monkeypatch.setattr(lanes, "make_environment", fail)
    with pytest.raises(lanes.BootstrapError, match="no room"):
        lanes.ensure_lane(lane(lanes, 110))
    assert machine.made_with == [machine.pythons[3, 12]]


def test_an_environment_that_holds_other_versions_than_wanted_is_refused_and_not_remembered(lanes, machine):
    machine.spoils = True
    for _ in range(2):
        with pytest.raises(lanes.BootstrapError, match=r"holds \[\], wanted .*python==3.12.*warp-lang==1.13.0"):
            lanes.ensure_lane(lane(lanes, 110))
    assert len(machine.installed) == 2


def test_a_lane_runs_kits_tests_those_of_kernels_and_the_golden_trace_or_what_is_asked_for(lanes):
    mine = lane(lanes, 107)
    whole = mine.command()
    assert {"tests/kit", lanes.GOLDEN_TRACE, *lanes.kernel_tests()} <= set(whole)
    path, _, name = lanes.GOLDEN_TRACE.partition("::")
    assert f"def {name}(" in (SCRIPTS.parent / path).read_text()
    assert whole[0] == str(mine.folder / "bin/python")
    assert mine.command("tests/unit", "-x")[-2:] == ["tests/unit", "-x"]
    assert "tests/kit" not in mine.command("tests/unit", "-x")


def test_warps_of_the_lanes_and_of_the_locks_are_the_tested_ones(lanes):
    from teletwin.warp_runtime import TESTED_VERSIONS

    own = [pin for mine in lanes.KIT_LANES for pin in mine.kit_pins]
    pins = [*own, *lanes.pinned_lines(lanes.LOCKS["demo"])]
    found = {pin.partition("==")[2] for pin in pins if pin.startswith("warp-lang==")}
    assert found == set(TESTED_VERSIONS)


def test_the_option_names_a_lane_and_the_others_are_passed_on(lanes, monkeypatch):
    script = _script()
    monkeypatch.setattr(sys, "argv", ["test.py", "-x", "--kit", "110", "tests/unit"])
    assert script._take_kit() == 110
    assert sys.argv == ["test.py", "-x", "tests/unit"]
    assert script._take_kit() == 0
    for wrong in (["--kit"], ["--kit", "109"]):
        monkeypatch.setattr(sys, "argv", ["test.py", *wrong])
        with pytest.raises(SystemExit, match="--kit takes 107 or 110, given: "):
            script._take_kit()


def _script() -> ModuleType:
    """scripts/test.py; Python has a package of that name."""
    spec = importlib.util.spec_from_file_location("checks", SCRIPTS / "test.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
