"""Fields of the window, each bound both ways to one setting; each returns the guard of its binding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import omni.ui as ui

from teletwin.errors import ConfigError
from teletwin.kit.guard import Guard
from teletwin.kit.settings import FIELDS, Settings

_LABEL_PX = 130


def text_field(settings: Settings, name: str, label: str) -> Guard:
    """A line of text."""
    model = _row(label, lambda: ui.StringField().model)
    return _bind(settings, name, model, model.set_value, lambda: model.get_value_as_string())


def number_field(settings: Settings, name: str, label: str) -> Guard:
    """A number, whole when the setting is."""
    if isinstance(FIELDS[name].default, int):
        model = _row(label, lambda: ui.IntField().model)
        return _bind(settings, name, model, model.set_value, lambda: model.get_value_as_int())
    model = _row(label, lambda: ui.FloatField().model)
    return _bind(settings, name, model, model.set_value, lambda: model.get_value_as_float())


def check_field(settings: Settings, name: str, label: str) -> Guard:
    """A box to tick."""
    model = _row(label, lambda: ui.CheckBox().model)
    return _bind(settings, name, model, model.set_value, lambda: model.get_value_as_bool(), edits=False)


def choice_field(settings: Settings, name: str, label: str, choices: Sequence[str]) -> Guard:
    """One of several names."""
    box = _row(label, lambda: ui.ComboBox(0, *choices))
    model = box.model.get_item_value_model()

    def show(value: Any) -> None:
        model.set_value(choices.index(value) if value in choices else 0)

    return _bind(settings, name, model, show, lambda: choices[model.get_value_as_int()], edits=False)


def _row(label: str, make: Callable[[], Any]) -> Any:
    with ui.HStack(height=22):
        ui.Label(label, width=_LABEL_PX)
        return make()


def _bind(
    settings: Settings,
    name: str,
    model: Any,
    show: Callable[[Any], None],
    read: Callable[[], Any],
    *,
    edits: bool = True,
) -> Guard:
    """Field to setting when an edit ends (or the choice changes), setting to field when it changes elsewhere."""

    def value() -> Any:
        try:
            return settings.get(name)
        except ConfigError:  # a wrong value is reported at Start
            return FIELDS[name].default

    def changed(_: Any) -> None:
        if read() != value():
            settings.set(name, read())

    show(value())
    subscribe = model.subscribe_end_edit_fn if edits else model.subscribe_value_changed_fn
    watch = settings.watch(name, lambda: show(value()))
    return Guard(subscribe(changed), release=watch.close)
