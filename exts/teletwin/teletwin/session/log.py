"""The recorder of a role: off, or writing every message to a log of its own."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from teletwin import __version__
from teletwin.clock import NS_PER_S, Clock, utc_text
from teletwin.errors import TeletwinError
from teletwin.link import Link
from teletwin.messages import Message, Note, PoseSample
from teletwin.recording import SessionLog
from teletwin.session.realtime import favour_this_thread, quick_switching
from teletwin.session.role_cfg import RoleCfg


def host_facts(role: str, *, clock: str) -> dict[str, str]:
    """Who writes a log and on which clock: two logs with one clock's name need no alignment."""
    return {
        "role": role,
        "clock": clock,
        "teletwin": __version__,
        "started_utc": utc_text(),
    }


def clock_note(link: Link, peers: Sequence[str]) -> Note:
    """How far the clocks of the peers are ahead [ns], those that are known to differ."""
    offsets_ns = {peer: link.offset_ns(peer) for peer in peers}
    return Note(kind="clocks", values={peer: offset_ns for peer, offset_ns in offsets_ns.items() if offset_ns})


def _favour() -> None:
    """A log is worth nothing that is behind on a busy machine."""
    favour_this_thread(nice=-5)


def role_path(path: str, role: str) -> Path:
    """The role's own file beside the session's: session.mcap, session.twin.mcap ..."""
    whole = Path(path)
    return whole if role == "operator" else whole.with_name(f"{whole.stem}.{role}{whole.suffix}")


class Recorder:
    """The callback that the loops give every message to; costs next to nothing while off.

    Files are opened and closed on a thread of their own: no loop waits for a disk. A context manager: enter
    starts what the configuration asks for, exit finishes what is being written.
    """

    def __init__(self, cfg: RoleCfg, clock: Clock) -> None:
        self._cfg, self._clock = cfg, clock
        self._log: SessionLog | None = None
        self._open_log = contextlib.ExitStack()
        self._work: threading.Thread | None = None
        self.path = ""
        """The session's file while recording; empty when off."""
        self._fault = ""
        self.written: dict[str, Path] = {}
        """Finished logs of this role on this host, by name; replaced as a whole, as other threads read it."""

    def start(self, path: str) -> None:
        """Record to the session's file `path` (this role to its own beside it) from soon on."""
        if not self.path:
            self.path, self._fault = path, ""
            self._later(lambda: self._open(path))

    def end(self) -> None:
        """Finish the log soon."""
        if self.path:
            self.path = ""
            self._later(self._close)

    @property
    def fault(self) -> str:
        """Why nothing is recorded although asked for, or not everything, in words."""
        log = self._log
        if self._fault or log is None:
            return self._fault
        lost = log.dropped_count + log.thinned_count
        return log.fault or (f"the recording leaves out what the disk cannot take ({lost} so far)" if lost else "")

    @property
    def folder(self) -> Path:
        """Where this host keeps its recordings."""
        return Path(self._cfg.record).parent

    def fresh_path(self) -> str:
        """A file name that no earlier recording has."""
        first = Path(self._cfg.record or f"teletwin-{self._clock.now_ns() // NS_PER_S}.mcap")
        names = (first, *(first.with_name(f"{first.stem}-{k}{first.suffix}") for k in range(2, 1000)))
        return str(next((path for path in names if not path.exists()), first))

    def __call__(self, role: str, message: Message | PoseSample, t_log_ns: int, t_sent_ns: int) -> None:
        """Write a message if a log is open."""
        log = self._log
        if log is not None:
            log.write(message, role=role, t_ns=t_log_ns, t_motion_ns=t_sent_ns)

    def _open(self, path: str) -> None:
        try:
            log = SessionLog(role_path(path, self._cfg.role), clock=self._clock, prepare=_favour)
            log.__enter__()
        except (TeletwinError, ValueError) as error:  # ValueError: a path without a name
            self.path, self._fault = "", str(error)
            return
        log.write_metadata("configuration", self._cfg.session)
        log.write_metadata("host", host_facts(self._cfg.role, clock=self._cfg.clock_name()))
        self._open_log.enter_context(quick_switching())  # nor may its thread be put aside with the interpreter
        self._log = log

    def _close(self) -> None:
        log, self._log = self._log, None
        if log is not None:
            log.close()
            self.written = {**self.written, log.path.name: log.path}
        self._open_log.close()

    def _later(self, work: Callable[[], None]) -> None:
        """Run one piece of work after the last one, on a thread."""
        before = self._work

        def run() -> None:
            if before is not None:
                before.join()
            work()

        self._work = threading.Thread(target=run, name="recorder", daemon=True)
        self._work.start()

    def __enter__(self) -> Recorder:
        if self._cfg.record:
            self.path = self._cfg.record
            self._open(self.path)
            if self.fault:
                raise TeletwinError(self.fault)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        if self._work is not None:
            with contextlib.suppress(RuntimeError):
                self._work.join()


def obey_record(recorder: Recorder, note: Note) -> None:
    """Start or end this role's log when the operator's page says so.

    Of the path only the name is taken: another host does not choose this one's folders.
    """
    if note.values.get("on"):
        recorder.start(str(recorder.folder / Path(str(note.values.get("path") or "session.mcap")).name))
    else:
        recorder.end()
