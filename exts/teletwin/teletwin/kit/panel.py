"""The window: connection, buttons, forecast, motion policy, numbers, plots, warnings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import omni.ui as ui

from teletwin.clock import NS_PER_S, SystemClock
from teletwin.forecast import FORECASTERS
from teletwin.horizon import available_policies
from teletwin.kit import events
from teletwin.kit.guard import Guard
from teletwin.kit.hand_input import HAND_INPUTS
from teletwin.kit.motion import POLICIES as MOTION_POLICIES
from teletwin.kit.panel_fields import check_field, choice_field, number_field, text_field
from teletwin.kit.panel_plots import Plots
from teletwin.kit.settings import ROLES
from teletwin.kit.twin_app import TwinApp

TITLE = "teletwin"
_ROW_NS = NS_PER_S // 10
_STATES = {"stopped": "Stopped", "starting": "Starting: kernels and robot are loaded", "running": "Running"}


class Panel:
    """Shows and sets what the app does; all it does is a setting or a call of the app."""

    def __init__(self, app: TwinApp) -> None:
        self._app, self._clock = app, SystemClock()
        self._due_ns = 0
        self._guards: list[Guard] = []
        self._window: Any = ui.Window(TITLE, width=380, height=760, dockPreference=ui.DockPreference.RIGHT_TOP)
        with self._window.frame, ui.ScrollingFrame(), ui.VStack(spacing=4, height=0):
            self._build()
        self._guards.append(events.on_update(self._update))

    @property
    def visible(self) -> bool:
        """Whether the window is shown."""
        return bool(self._window.visible)

    @visible.setter
    def visible(self, visible: bool) -> None:
        self._window.visible = visible

    def close(self) -> None:
        """Take the window away."""
        for guard in self._guards:
            guard.close()
        self._guards.clear()
        self._window.destroy()
        self._window = None

    def _build(self) -> None:
        self._state = ui.Label("", word_wrap=True)
        self._missing_packages()
        self._buttons()
        self._connection()
        self._forecast()
        self._twin()
        self._lesson()
        with ui.CollapsableFrame("Now", height=0), ui.VStack(spacing=3, height=0):
            self._plots = Plots()
        with ui.CollapsableFrame("Warnings", height=0), ui.VStack(spacing=3, height=0):
            self._warnings = ui.Label("none", word_wrap=True)

    def _missing_packages(self) -> None:
        """The command that brings what Kit's Python lacks, to be copied; hidden while nothing is missing."""
        self._missing = ui.CollapsableFrame("Missing packages", height=0)
        with self._missing, ui.VStack(spacing=3, height=0):
            ui.Label("Run this in a terminal once, then press Start:", word_wrap=True)
            self._command = ui.StringField(multiline=True, read_only=True, height=100).model
        self._look_for_packages()

    def _look_for_packages(self) -> None:
        command = self._app.packages.missing_command()
        self._missing.visible = bool(command)
        self._command.set_value(command)

    def _connection(self) -> None:
        settings = self._app.settings
        with ui.CollapsableFrame("Connection", height=0), ui.VStack(spacing=3, height=0):
            self._guards.append(choice_field(settings, "role", "Role", ROLES))
            for name, label in _ADDRESSES.items():
                self._guards.append(text_field(settings, name, label))
            self._guards.append(choice_field(settings, "hand_input", "Hand input", HAND_INPUTS))
            self._guards.append(number_field(settings, "page_port", "Page port"))

    def _forecast(self) -> None:
        settings = self._app.settings
        with ui.CollapsableFrame("Forecast", height=0), ui.VStack(spacing=3, height=0):
            self._guards.append(choice_field(settings, "forecaster", "Forecaster", tuple(FORECASTERS)))
            self._guards.append(choice_field(settings, "horizon_policy", "Horizon policy", tuple(available_policies())))
            self._guards.append(number_field(settings, "horizon_control_ms", "Control horizon [ms]"))
            self._guards.append(number_field(settings, "horizon_render_ms", "Display horizon [ms]"))

    def _twin(self) -> None:
        settings = self._app.settings
        with ui.CollapsableFrame("Twin", height=0), ui.VStack(spacing=3, height=0):
            self._guards.append(choice_field(settings, "motion_policy", "Motion policy", MOTION_POLICIES))
            self._guards.append(number_field(settings, "physics_rate_hz", "Physics rate [Hz]"))
            self._guards.append(text_field(settings, "robot_usd", "Robot USD"))
            self._guards.append(check_field(settings, "author_scene", "Build the scene"))

    def _buttons(self) -> None:
        app = self._app
        buttons: dict[str, Callable[[], None]] = {
            "Start": app.start,
            "Stop": app.stop,
            "Engage": app.engage,
            "Hold": app.hold,
        }
        with ui.HStack(height=26, spacing=4):
            for text, call in buttons.items():
                ui.Button(text, clicked_fn=call)
            self._record = ui.Button("Record", clicked_fn=self._toggle_record)

    def _lesson(self) -> None:
        """Step 2 of training: a policy learns from whoever draws."""
        app, settings = self._app, self._app.settings
        buttons: dict[str, Callable[[], None]] = {
            "Lesson": app.lesson,
            "Pause lesson": app.pause_lesson,
            "Quit lesson": app.quit_lesson,
        }
        with ui.CollapsableFrame("Lesson", height=0), ui.VStack(spacing=3, height=0):
            with ui.HStack(height=26, spacing=4):
                for text, call in buttons.items():
                    ui.Button(text, clicked_fn=call)
            self._taught = ui.Label(_taught(None), word_wrap=True)
            self._guards.append(text_field(settings, "lesson_options", "Options"))
            self._guards.append(text_field(settings, "lesson_trainer", "Trainer"))

    def _toggle_record(self) -> None:
        self._app.record(not self._app.status()["recording"])

    def _update(self) -> None:
        """Ten times a second while the window is shown."""
        now_ns = self._clock.now_ns()
        if now_ns < self._due_ns or not self.visible:
            return
        self._due_ns = now_ns + _ROW_NS
        status = self._app.status()
        if self._state.text != (headline := _headline(status)):
            self._state.text = headline
            self._look_for_packages()
        self._record.text = "End recording" if status["recording"] else "Record"
        self._taught.text = _taught(status["lesson"])
        self._plots.show(status)
        warnings = status["warnings"]
        assert isinstance(warnings, list)
        self._warnings.text = "\n".join(reversed(warnings)) or "none"


_ADDRESSES = {
    "bind": "Own address",
    "operator": "Operator",
    "arm": "Arm",
    "session_secret_file": "Session secret file",
    "hand": "Hand (local)",
}


def _taught(lesson: Any) -> str:
    """How the lesson goes, in words."""
    if not lesson:
        return "A policy learns from whoever follows the dot in the page."
    score_mm, learner = lesson["score_mm"], lesson["learner"]
    score = "" if score_mm is None else f", {score_mm:.1f} mm from the dot"
    return f"{lesson['state'].capitalize()}{score}; policy {learner['policy']}, {learner.get('epochs', 0)} epochs"


def _headline(status: dict[str, object]) -> str:
    """The state in words."""
    text = _STATES[str(status["state"])]
    text += ", held here" if status["held"] else ""
    text += f", page at {status['page']}" if status["page"] else ""
    return text
