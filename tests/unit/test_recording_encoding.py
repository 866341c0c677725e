from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from teletwin.errors import RecordingError
from teletwin.jsonable import to_jsonable
from teletwin.messages import (
    CURVE_KNOTS,
    ArmState,
    ForecastPacket,
    Frame,
    FrameAck,
    Horizons,
    InForce,
    JointCommand,
    LinkSettings,
    Mode,
    Note,
    PoseSample,
    Stop,
    TwinStatus,
    ViewSettings,
)
from teletwin.recording.encoding import MESSAGE_TYPES, message_from_values, to_json
from teletwin.recording.schemas import FOXGLOVE_SCHEMAS, foxglove_schema, message_schema

POSE = np.array([0.1, -0.2, 0.3, 1.0, 0.0, 0.0, 0.0])
ARM = ArmState(
    t_ns=7, q=np.arange(6.0), qd=np.zeros(6), q_shadows=np.ones((2, 6)), pose_t_ns=3, mode=Mode.HOLD, fault="stopped"
)
EXAMPLES = [
    Stop(act=7),
    InForce(
        role="arm",
        version="1.0",
        robot="UR3e",
        is_real=True,
        needs_enabling=True,
        scene="table",
        restart_after_ms=500.0,
        max_speed_rad_s=1.0,
        max_tool_speed_m_s=0.25,
        max_body_speed_m_s=0.25,
        workspace_radius_m=0.4,
        workspace_height_m=0.1,
    ),
    PoseSample(t_ns=5, pose=POSE, input_seq=9),
    ForecastPacket(
        t_ns=2**53 + 1,
        pose=POSE,
        curve=np.tile(POSE, (CURVE_KNOTS, 1)),
        horizons=Horizons(control_s=0.1, late_binding_render=False),
        mode=Mode.ENGAGED,
    ),
    JointCommand(
        t_ns=1,
        q=np.arange(6.0),
        qd=np.zeros(6),
        q_shadows=np.zeros((2, 6)),
        qd_shadows=np.zeros((2, 6)),
        pose_t_ns=0,
        mode=Mode.OFF,
    ),
    ARM,
    TwinStatus(
        t_ns=8,
        arm=ARM,
        q_command=np.ones(6),
        uplink_age_ms=1.5,
        horizon_used_s=0.1,
        horizon_orientation_used_s=0.05,
        downstream_s=0.03,
        counters={"stale": 2},
    ),
    Frame(
        frame_id=3,
        codec="h264",
        is_key=True,
        width=640,
        height=360,
        input_seq=1,
        pose_t_ns=2,
        shown_pose=POSE,
        shadow_poses=np.tile(POSE, (2, 1)),
        horizon_used_s=0.1,
        stages_ms={"draw": 9.5},
        t_ready_ns=11,
        data=b"\x00\x00\x01\xff",
    ),
    FrameAck(frame_id=3, drawn=False),
    ViewSettings(codec="jpeg"),
    LinkSettings(delay_ms=60.0),
    Note(kind="stop", values={"why": "asked", "list": [1, 2.5, None]}),
]


def _same(value: object) -> object:
    return value


@pytest.mark.parametrize("message", EXAMPLES, ids=lambda each: type(each).__name__)
def test_a_message_comes_back_from_json_as_it_was(message: object) -> None:
    back = message_from_values(type(message).__name__, json.loads(to_json(message)))
    assert type(back) is type(message)
    for field in dataclasses.fields(message):  # type: ignore[arg-type]
        is_nested = dataclasses.is_dataclass(getattr(message, field.name))
        restored, given = ((to_jsonable if is_nested else _same)(getattr(each, field.name)) for each in (back, message))
        np.testing.assert_equal(restored, given)


@pytest.mark.parametrize("message", EXAMPLES, ids=lambda each: type(each).__name__)
def test_the_schema_names_every_field_that_is_written(message: object) -> None:
    schema = json.loads(message_schema(type(message)))
    assert set(schema["properties"]) == set(json.loads(to_json(message)))


def test_every_message_of_the_loop_has_an_example_here() -> None:
    assert {type(each).__name__ for each in EXAMPLES} == set(MESSAGE_TYPES)


def test_foxglove_forms_are_known_by_foxgloves_own_names() -> None:
    for name in FOXGLOVE_SCHEMAS:
        assert json.loads(foxglove_schema(name))["title"] == name


def test_numbers_that_are_not_finite_become_null_and_come_back_as_nan() -> None:
    values = json.loads(to_json(PoseSample(t_ns=1, pose=np.array([np.nan, np.inf, 0, 1, 0, 0, 0]))))
    assert values["pose"][:3] == [None, None, 0.0]
    assert np.isnan(message_from_values("PoseSample", values).pose[:2]).all()
    assert to_jsonable({"a": float("nan"), "b": np.float64("inf")}) == {"a": None, "b": None}


def test_a_field_of_a_later_version_is_left_out() -> None:
    assert message_from_values("FrameAck", {"frame_id": 1, "colour": "red"}) == FrameAck(frame_id=1)


def test_an_unknown_or_incomplete_message_is_refused_in_words() -> None:
    with pytest.raises(RecordingError, match=r"not a message; given: Nonsense; allowed: .*ArmState"):
        message_from_values("Nonsense", {})
    with pytest.raises(RecordingError, match="a logged PoseSample cannot be read"):
        message_from_values("PoseSample", {"t_ns": 1})
