"""Kit's events behind functions that are the same at Isaac Sim 5.1 and 6.0; each returns a guard to close.

What differs (the arity of physics callbacks, timeline events as a stream or as global events) stays in here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import carb.eventdispatcher
import omni.kit.app
import omni.timeline
import omni.usd

from teletwin.kit.guard import Guard

_OBSERVER = "teletwin"


def on_update(call: Callable[[], None]) -> Guard:
    """Once per turn of Kit's main loop."""
    return _observe(omni.kit.app.GLOBAL_EVENT_UPDATE, call)


def on_new_frame(call: Callable[[Any], None]) -> Guard:
    """A rendered frame is there, of any render product: the event says of which."""
    context = omni.usd.get_context()
    name = context.stage_rendering_event_name(omni.usd.StageRenderingEventType.NEW_FRAME, True)
    return _observe_with(name, call)


def on_timeline(call: Callable[[str], None]) -> Guard:
    """'play', 'pause' or 'stop' when the timeline does so."""
    names = {"play": "GLOBAL_EVENT_PLAY", "pause": "GLOBAL_EVENT_PAUSE", "stop": "GLOBAL_EVENT_STOP"}
    events = {kind: getattr(omni.timeline, name) for kind, name in names.items() if hasattr(omni.timeline, name)}
    if len(events) == len(names):
        guards = [_observe(event, lambda kind=kind: call(kind)) for kind, event in events.items()]
        return Guard(release=lambda: [guard.close() for guard in guards])
    return _timeline_stream(call)


def _timeline_stream(call: Callable[[str], None]) -> Guard:
    """The same from the event stream, which 5.1 has alone."""
    types = omni.timeline.TimelineEventType
    kinds = {int(types.PLAY): "play", int(types.PAUSE): "pause", int(types.STOP): "stop"}

    def pop(event: Any) -> None:
        kind = kinds.get(event.type)
        if kind is not None:
            call(kind)

    stream = omni.timeline.get_timeline_interface().get_timeline_event_stream()
    return Guard(stream.create_subscription_to_pop(pop))


def on_stage(call: Callable[[str], None]) -> Guard:
    """'opened' or 'closing' when another stage comes or the present one goes."""
    types = omni.usd.StageEventType
    kinds = {int(types.OPENED): "opened", int(types.CLOSING): "closing"}

    def pop(event: Any) -> None:
        kind = kinds.get(event.type)
        if kind is not None:
            call(kind)

    return Guard(omni.usd.get_context().get_stage_event_stream().create_subscription_to_pop(pop))


def on_physics_ready(call: Callable[[], None]) -> Guard:
    """The simulation's view exists: articulations can be read and commanded."""
    from isaacsim.core.simulation_manager import IsaacEvents

    return _physics(lambda *_: call(), IsaacEvents.PHYSICS_READY)


def on_physics_step(call: Callable[[float], None]) -> Guard:
    """Before every physics step, with its length [s]; never before the simulation's view exists."""
    from isaacsim.core.simulation_manager import IsaacEvents

    # 5.1 calls with (dt), 6.0 with (dt, context).
    return _physics(lambda dt_s, context=None: call(float(dt_s)), IsaacEvents.PRE_PHYSICS_STEP)


def _physics(call: Callable[..., None], event: Any) -> Guard:
    from isaacsim.core.simulation_manager import SimulationManager

    number = SimulationManager.register_callback(call, event, order=0)

    def release() -> None:
        with contextlib.suppress(Exception):  # a closed stage may have taken it away; 5.1 then raises
            SimulationManager.deregister_callback(number)

    return Guard(call, release=release)  # the function is held here: the host may hold it weakly


def _observe(name: str, call: Callable[[], None]) -> Guard:
    return _observe_with(name, lambda _event: call())


def _observe_with(name: str, call: Callable[[Any], None]) -> Guard:
    dispatcher = carb.eventdispatcher.get_eventdispatcher()
    return Guard(dispatcher.observe_event(observer_name=_OBSERVER, event_name=name, on_event=call))
