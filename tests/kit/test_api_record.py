"""Every name and every call of the host's API that our sources use is on record, as it is at 5.1.0 and at 6.0.1."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest
from api_scan import RECORD, SOURCES, VERSIONS, Index, fits, make_record, uses
from fake import kit

RECORDED: dict[str, dict[str, dict[str, Any] | None]] = json.loads(RECORD.read_text(encoding="utf-8"))
USED = uses()
AGAIN = "run: python tests/kit/api_scan.py DIR"
FAKED = {
    "isaacsim.core.simulation_manager.SimulationManager": (
        "register_callback",
        "deregister_callback",
        "get_simulation_time",
    ),
    "isaacsim.core.experimental.prims.Articulation": (
        "get_dof_positions",
        "get_dof_velocities",
        "set_dof_positions",
        "set_dof_velocities",
        "set_dof_position_targets",
        "set_dof_velocity_targets",
        "set_dof_gains",
        "set_dof_max_efforts",
        "set_dof_armatures",
        "set_link_enabled_gravities",
        "is_physics_tensor_entity_valid",
    ),
    "isaacsim.core.experimental.prims.RigidPrim": ("get_world_poses", "set_world_poses", "set_velocities"),
}


def test_the_sources_use_what_is_on_record_and_nothing_else() -> None:
    assert sorted(USED) == sorted(RECORDED), AGAIN


@pytest.mark.parametrize("name", [name for name, shapes in USED.items() if shapes])
def test_every_call_fits_the_signature_on_record(name: str) -> None:
    known = {version: entry for version, entry in RECORDED[name].items() if entry and "params" in entry}
    for shape in USED[name]:
        misfits = {version: why for version, entry in known.items() if (why := fits(entry["params"], shape))}
        assert not misfits


@pytest.mark.parametrize("name", [name for name, rows in RECORDED.items() if None in rows.values()])
def test_what_a_version_lacks_is_imported_inside_a_function(name: str) -> None:
    """So that the extension starts there: a module that only 6.0 has must not be needed at 5.1."""
    module = name.rpartition(".")[0]
    for path in SOURCES.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if not re.search(r"^#\s*isaac:", text, re.M):
            assert not re.search(rf"^(from|import) {re.escape(module)}\b", text, re.M), path


@pytest.mark.parametrize("version", VERSIONS)
def test_the_stand_in_has_the_signatures_on_record(version: str) -> None:
    pytest.importorskip("pxr", reason="usd-core is not installed")
    with kit(version[:3]) as fake:
        modules = fake.modules()
        for owner, methods in FAKED.items():
            module, _, kind = owner.rpartition(".")
            for method in methods:
                entry = RECORDED[f"{owner}.{method}"][version]
                assert entry is not None
                wanted = [(name, kind) for name, kind, _ in entry["params"]]
                assert _parameters(getattr(getattr(modules[module], kind), method)) == wanted, method


def _parameters(function: Any) -> list[tuple[str, str]]:
    kinds = {"POSITIONAL_OR_KEYWORD": "any", "KEYWORD_ONLY": "kw", "VAR_KEYWORD": "**"}
    rows = inspect.signature(function).parameters.values()
    return [(row.name, kinds[row.kind.name]) for row in rows if row.name != "self"]


def test_the_record_is_what_the_index_says(isaac_api: Path) -> None:
    assert make_record(isaac_api) == RECORDED, AGAIN


@pytest.mark.parametrize("version", VERSIONS)
def test_the_index_knows_the_names_that_the_record_must_not_miss(isaac_api: Path, version: str) -> None:
    index = Index(isaac_api, version)
    assert index.entry("isaacsim.core.simulation_manager.SimulationManager.no_such_call") is None
    assert index.entry("isaacsim.core.experimental.prims.NoSuchPrim") is None
    assert (index.entry("isaacsim.core.rendering_manager.RenderingManager") is None) == (version == "5.1.0")


def test_a_wrong_call_does_not_fit() -> None:
    entry = RECORDED["isaacsim.core.simulation_manager.SimulationManager.register_callback"]
    assert fits(entry["6.0.1"]["params"], (3, ()))  # type: ignore[index]
    assert not fits(entry["5.1.0"]["params"], (3, ()))  # type: ignore[index]
    assert fits(entry["5.1.0"]["params"], (2, ("ordering",)))  # type: ignore[index]
