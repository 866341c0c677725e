"""Stand-ins for both of Isaac's generations, and a stage with the scene in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fake import FakeKit, kit

VERSIONS = ("5.1", "6.0")


@pytest.fixture(params=VERSIONS)
def fake(request: pytest.FixtureRequest) -> Iterator[FakeKit]:
    with kit(request.param) as made:
        yield made


@pytest.fixture
def stage(fake: FakeKit) -> Any:
    from teletwin.assets import asset_path
    from teletwin.kit.scene import SceneCfg, build_scene

    cfg = SceneCfg(robot_usd=str(asset_path("robots", "ur3e", "ur3e.usda")))
    stage = fake.context.get_stage()
    stage_objects = build_scene(stage, cfg)
    assert build_scene(stage, cfg) == stage_objects  # a second Start changes nothing
    return stage
