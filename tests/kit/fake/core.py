"""carb, omni.ext, omni.kit.app, omni.timeline, omni.usd."""

from __future__ import annotations

import asyncio
import enum
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pxr import Usd, UsdGeom  # noqa: TID253

from fake.strict import Alive, Bus, Strict, Subscription, module

UPDATE = "omni.kit.app:update"
FRAME = "omni.usd:stage_rendering:new_frame:immediate"


class Dispatcher(Strict):
    """carb.eventdispatcher's."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    def observe_event(
        self,
        order: int = 0,
        event_name: str = "",
        on_event: Callable[[Any], None] | None = None,
        filter: Mapping[str, Any] | None = None,
        observer_name: str = "",
    ) -> Subscription:
        if not event_name or on_event is None or not observer_name:
            raise TypeError("observe_event needs event_name, on_event and observer_name")
        return self._bus.listen(event_name, on_event, order=order)


class SettingsStore(Strict):
    """carb.settings: values by path."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)
        self._bus: Any = None

    def get(self, path: str) -> Any:
        assert path.startswith("/")
        return self._values.get(path)

    def destroy_item(self, path: str) -> None:
        assert path.startswith("/")
        self._values.pop(path, None)
        self._bus.emit(("setting", path), None, 0)

    def set(self, path: str, value: Any) -> None:
        assert path.startswith("/")
        if not isinstance(value, bool | int | float | str):
            raise TypeError(f"a setting cannot hold {value!r}")
        self._values[path] = value
        self._bus.emit(("setting", path), None, 0)


class ExtensionManager(Strict):
    """Folders and names of extensions."""

    def __init__(self, root: Path, enabled: set[str]) -> None:
        self._root, self._enabled = root, enabled

    def get_extension_path(self, ext_id: str) -> str:
        return str(self._root)

    def set_extension_enabled_immediate(self, name: str, value: bool) -> bool:
        (self._enabled.add if value else self._enabled.discard)(name)
        return True

    def is_extension_enabled(self, name: str) -> bool:
        return name in self._enabled


class App(Strict):
    """omni.kit.app's application."""

    def __init__(self, manager: ExtensionManager) -> None:
        self._manager = manager
        self._waiting: list[asyncio.Future[None]] = []

    def get_extension_manager(self) -> ExtensionManager:
        return self._manager

    async def next_update_async(self) -> None:
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        await future


class TimelineEventType(enum.Enum):
    """omni.timeline's; the numbers only need to differ."""

    PLAY = 0
    PAUSE = 1
    STOP = 2

    def __int__(self) -> int:
        return self.value


class StageEventType(enum.Enum):
    """omni.usd's."""

    OPENED = 2
    CLOSING = 4
    CLOSED = 5

    def __int__(self) -> int:
        return self.value


class StageRenderingEventType(enum.Enum):
    """omni.usd's."""

    NEW_FRAME = 0


class Stream(Strict):
    """An event stream of the old kind."""

    def __init__(self, bus: Bus, name: str) -> None:
        self._bus, self._name = bus, name

    def create_subscription_to_pop(self, fn: Callable[[Any], None], order: int = 0, name: str = "") -> Subscription:
        return self._bus.listen(self._name, fn, order=order)


class Timeline(Strict):
    """omni.timeline's interface; changes are told at once."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._state = "stop"
        self._target_framerate = 60.0

    def get_target_framerate(self) -> float:
        return self._target_framerate

    def set_target_framerate(self, target_framerate: float) -> None:
        self._target_framerate = float(target_framerate)

    def play(self) -> None:
        self._change("play")

    def pause(self) -> None:
        self._change("pause")

    def stop(self) -> None:
        self._change("stop")

    def is_playing(self) -> bool:
        return self._state == "play"

    def is_stopped(self) -> bool:
        return self._state == "stop"

    def get_timeline_event_stream(self) -> Stream:
        return Stream(self._bus, "timeline stream")

    def _change(self, state: str) -> None:
        if state == self._state:
            return
        self._state = state
        kind = TimelineEventType[state.upper()]
        self._bus.emit("timeline stream", types.SimpleNamespace(type=int(kind)))
        self._bus.emit(f"omni.timeline:{state}", None)


class UsdContext(Strict):
    """omni.usd's context with a real stage."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._stage: Any = None
        self.open()

    def open(self, meters_per_unit: float = 1.0) -> None:
        """Open a fresh stage, as File > New does (not part of Kit's own face)."""
        if self._stage is not None:
            self._bus.emit("stage stream", types.SimpleNamespace(type=int(StageEventType.CLOSING)))
        self._stage = Usd.Stage.CreateInMemory()
        UsdGeom.SetStageMetersPerUnit(self._stage, meters_per_unit)
        self._bus.emit("stage stream", types.SimpleNamespace(type=int(StageEventType.OPENED)))

    def get_stage(self) -> Any:
        return self._stage

    def get_stage_event_stream(self) -> Stream:
        return Stream(self._bus, "stage stream")

    def stage_rendering_event_name(self, event_type: StageRenderingEventType, immediate: bool = False) -> str:
        assert event_type is StageRenderingEventType.NEW_FRAME
        assert immediate
        return FRAME


class IExt:
    """omni.ext's."""


def modules(
    *, version: str, bus: Bus, store: SettingsStore, app: App, timeline: Timeline, context: UsdContext, log: list[str]
) -> dict[str, types.ModuleType]:
    """The modules by name."""

    class SettingChangeSubscription:
        """omni.kit.app's: calls on_change(item, event type) while it lives."""

        def __init__(self, path: str, on_change: Callable[[Any, Any], None]) -> None:
            self._held = bus.listen(("setting", path), on_change)

    store._bus = bus
    dispatcher = Dispatcher(bus)
    globals_ = {f"GLOBAL_EVENT_{name}": f"omni.timeline:{name.lower()}" for name in ("PLAY", "PAUSE", "STOP")}
    log_functions = {f"log_{k}": lambda text, k=k: log.append(f"{k}: {text}") for k in ("info", "warn", "error")}
    return {
        "carb": module("carb", **log_functions),
        "carb.settings": module("carb.settings", get_settings=lambda: store),
        "carb.eventdispatcher": module("carb.eventdispatcher", get_eventdispatcher=lambda: dispatcher),
        "omni": module("omni", __path__=[]),  # a package, in which more may be looked for
        "omni.ext": module("omni.ext", IExt=IExt),
        "omni.kit": module("omni.kit"),
        "omni.kit.app": module(
            "omni.kit.app",
            get_app=lambda: app,
            GLOBAL_EVENT_UPDATE=UPDATE,
            SettingChangeSubscription=SettingChangeSubscription,
        ),
        "omni.timeline": module(
            "omni.timeline",
            get_timeline_interface=lambda: timeline,
            TimelineEventType=TimelineEventType,
            **(globals_ if version >= "6" else {}),
        ),
        "omni.usd": module(
            "omni.usd",
            get_context=lambda: context,
            StageEventType=StageEventType,
            StageRenderingEventType=StageRenderingEventType,
        ),
    }


__all__ = ["FRAME", "UPDATE", "Alive", "App", "ExtensionManager", "SettingsStore", "Timeline", "UsdContext", "modules"]
