"""The renderer's process: the rendering function, pictures and their encoding, on the twin's host."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

from teletwin.clock import NS_PER_S, SystemClock
from teletwin.link.udp import UdpLink
from teletwin.messages import Note, ViewSettings
from teletwin.session.build import build_rendering, fast_tool_pose
from teletwin.session.config import SessionCfg
from teletwin.session.picture import LivePicture
from teletwin.session.renderer import RendererLoop
from teletwin.session.role_cfg import RoleCfg
from teletwin.session.wiring import apply_link_note, open_link

_WAIT_S = 0.02


def view_settings(session: SessionCfg) -> ViewSettings:
    """The picture that a session starts with."""
    return ViewSettings(
        width=session.width,
        height=session.height,
        rate_hz=session.rate_hz,
        bitrate_bps=int(1e6 * session.bitrate_mbps),
        barcode=session.barcode,
    )


def run(cfg: RoleCfg, *, stop: threading.Event, on_ready: Callable[[str], None]) -> None:
    """Run until stop."""
    clock = cfg.clock()
    settings = view_settings(cfg.session)
    rendering, world = build_rendering(cfg.session)
    with contextlib.ExitStack() as stack:
        link = stack.enter_context(open_link(cfg, clock))
        picture = stack.enter_context(LivePicture(settings, objects=world.objects))
        loop = RendererLoop(
            clock=clock,
            link=link,
            rendering=rendering,
            picture=picture,
            settings=settings,
            tool_pose=fast_tool_pose(),
        )
        loop.on_note = lambda note: _obey(link, note)
        on_ready("")
        _loop(loop, link, clock, stop)


def _loop(loop: RendererLoop, link: UdpLink, clock: SystemClock, stop: threading.Event) -> None:
    """Sleep until something arrives or a picture is due."""
    while not stop.is_set():
        link.wait(min(_WAIT_S, max((loop.due_ns - clock.now_ns()) / NS_PER_S, 0.0005)) if loop.is_waiting else _WAIT_S)
        loop.pump(clock.now_ns())
        now_ns = clock.now_ns()
        if loop.wants_frame(now_ns):
            loop.send(loop.frame(now_ns))


def _obey(link: UdpLink, note: Note) -> None:
    """Do what the operator asks of every role."""
    if note.kind == "link":
        apply_link_note(link, "renderer", note)
