"""The renderer's process: the rendering function, pictures and their encoding, on the twin's host."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

from teletwin.clock import NS_PER_S, SystemClock
from teletwin.link import RoleLink
from teletwin.messages import Note
from teletwin.session.allocation.ladder import ladder
from teletwin.session.allocation.wishes import AllocationWishes, build_live
from teletwin.session.build import build_rendering, fast_tool_pose
from teletwin.session.log import Recorder, obey_record
from teletwin.session.picture import LivePicture
from teletwin.session.realtime import give_way
from teletwin.session.renderer import RendererLoop
from teletwin.session.role_cfg import RoleCfg
from teletwin.session.wiring import apply_link_note, open_link

_WAIT_S = 0.02
_CLOSED_S = 0.002


def run(cfg: RoleCfg, *, stop: threading.Event, on_ready: Callable[[str], None]) -> None:
    """Run until stop."""
    clock = cfg.clock()
    settings = cfg.session.picture()
    rendering, world = build_rendering(cfg.session)
    with contextlib.ExitStack() as stack:
        link = stack.enter_context(open_link(cfg, clock))
        picture = stack.enter_context(LivePicture(settings, objects=world.objects))
        picture.prepare(ladder(settings))
        recorder = stack.enter_context(Recorder(cfg, clock))
        loop = RendererLoop(
            clock=clock,
            link=link,
            rendering=rendering,
            picture=picture,
            settings=settings,
            tool_pose=fast_tool_pose(),
            on_message=recorder,
            allocation=build_live(cfg.session.allocation, settings, picture.costs),
        )
        wishes = AllocationWishes(loop, picture, cfg.session.allocation, warn=lambda text: _warn(link, text))
        loop.on_note = lambda note: wishes.obey(note) or _obey(link, recorder, note)
        on_ready("")
        give_way()
        _loop(loop, link, clock, stop)


def _loop(loop: RendererLoop, link: RoleLink, clock: SystemClock, stop: threading.Event) -> None:
    """Sleep until something arrives or a picture is due."""
    while not stop.is_set():
        until_due_s = (loop.due_ns - clock.now_ns()) / NS_PER_S
        # Past that instant it is an acknowledgement that the picture waits for, and that wakes the link.
        link.wait(min(_WAIT_S, max(until_due_s, _CLOSED_S)) if loop.is_waiting else _WAIT_S)
        loop.pump(clock.now_ns())
        now_ns = clock.now_ns()
        if loop.wants_frame(now_ns):
            loop.send(loop.frame(now_ns))


def _warn(link: RoleLink, text: str) -> None:
    link.send_reliable("operator", Note(kind="warning", values={"text": text}))


def _obey(link: RoleLink, recorder: Recorder, note: Note) -> None:
    """Do what the operator asks of every role."""
    if note.kind == "link":
        apply_link_note(link, "renderer", note)
    elif note.kind == "record":
        obey_record(recorder, note)
