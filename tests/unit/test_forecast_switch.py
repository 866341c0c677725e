"""The large switch: off takes the forecast away whatever policy was chosen, on gives back what was chosen last."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from made_desk import made_desk

from teletwin.horizon import build_policy
from teletwin.session.config import HorizonCfg
from teletwin.session.desk import PageDesk
from teletwin.session.operator import OperatorState
from teletwin.view.server_messages import PageEvent, parse_message


def desk(**loop: Any) -> tuple[PageDesk, Any]:
    state = OperatorState()
    held = SimpleNamespace(
        state=state, press=state.intent.press, policy=build_policy(HorizonCfg(), paper_mode=False), **loop
    )
    made = made_desk(held)
    return made, held


def say(made: PageDesk, name: str, **values: object) -> None:
    made.put(PageEvent(kind="settings", values={"name": name, "values": values}, viewer=1, t_ns=0, received_ns=0))
    made.work()


def horizons(held: Any) -> tuple[float, float, bool]:
    asked = held.policy.decide(SimpleNamespace())
    return asked.control_s, asked.render_s, asked.late_binding_control or asked.late_binding_render


def test_off_puts_both_horizons_at_zero_and_on_restores_the_policy():
    made, held = desk()
    rule = held.policy
    say(made, "forecast", on=False)
    assert horizons(held) == (0.0, 0.0, False)
    say(made, "forecast", on=False)
    say(made, "forecast", on=True)
    assert held.policy is rule
    say(made, "forecast", on=True)
    assert held.policy is rule


def test_what_is_chosen_meanwhile_waits_until_it_is_on_again():
    made, held = desk()
    say(made, "forecast", on=False)
    say(made, "horizons", control_ms=120.0, render_ms=80.0)
    say(made, "policy", policy="fixed")
    assert horizons(held) == (0.0, 0.0, False)
    assert made.horizon.policy == "fixed", "what was chosen is told"
    say(made, "forecast", on=True)
    assert horizons(held) == (0.12, 0.08, False)


def test_a_lesson_keeps_its_forecast():
    made, held = desk()
    rule, made.on_lesson = held.policy, lambda *_: None
    say(made, "forecast", on=False)
    assert held.policy is rule
    assert made.forecast_on
    assert "a lesson needs its forecast" in held.state.warnings[0]


@pytest.mark.parametrize("values", [{"on": "no"}, {"on": 0}, {"off": True}])
def test_the_switch_is_true_or_false(values: dict[str, object]):
    import json

    from teletwin.errors import MessageError

    with pytest.raises(MessageError):
        parse_message(json.dumps({"type": "settings", "name": "forecast", "values": values}))


def test_a_picture_without_forecast_draws_none():
    made, held = desk()
    assert held.policy.decide(SimpleNamespace()).looks_ahead
    say(made, "forecast", on=False)
    assert not held.policy.decide(SimpleNamespace()).looks_ahead
