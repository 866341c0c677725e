"""Starts the learner's process, hears what it says, and lets it finish."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from types import TracebackType
from typing import Any, Self

from teletwin.errors import SaidError, TeletwinError
from teletwin.session.launch import REFUSED
from teletwin_training.horizon.live.cfg import LearnerCfg, to_json
from teletwin_training.horizon.live.learner import DONE, READY

FINISH_S = 30.0
"""An epoch's updates and the last files take a second or two; a machine may be busy."""
_ENVIRONMENT = {"PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class LearnerProcess:
    """The learner beside a session. A context manager: leaving it ends the process, in the end by force."""

    def __init__(self, cfg: LearnerCfg) -> None:
        self._cfg = cfg
        self._ready = threading.Event()
        self.results: dict[str, Any] | None = None
        """What it did; None until it has finished."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "teletwin_training.horizon.live.learner"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | _ENVIRONMENT,
            bufsize=1,
        )
        assert self._process.stdin is not None
        self._process.stdin.write(to_json(self._cfg) + "\n")
        self._process.stdin.flush()
        self._thread = threading.Thread(target=self._hear, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def wait_ready(self, stop: threading.Event, *, timeout_s: float = 120.0) -> bool:
        """Wait until it can learn; False when `stop` was set before that.

        Raises:
            TeletwinError: It has ended, or says nothing.
        """
        left_s = timeout_s
        while not self._ready.wait(0.05):
            left_s -= 0.05
            if stop.is_set():
                return False
            if self.has_ended:
                raise self.why_ended()
            if left_s <= 0.0:
                raise TeletwinError("the learner did not come up", given=f"{timeout_s:g} s")
        return True

    @property
    def has_ended(self) -> bool:
        """Whether the process is gone."""
        return self._process.poll() is not None

    @property
    def is_done(self) -> bool:
        """Whether it has ended with all that was asked for."""
        return self._process.poll() == 0

    def why_ended(self) -> TeletwinError:
        """The error that tells how it has ended."""
        if self._process.returncode == REFUSED:
            return SaidError("the learner refused")
        return TeletwinError("the learner ended unexpectedly", mend="its message stands above")

    def finish(self) -> dict[str, Any]:
        """Let it write what it has learned; what it did.

        Raises:
            TeletwinError: It did not come to an end, or to a bad one.
        """
        self._process.terminate()
        try:
            self._process.wait(FINISH_S)
        except subprocess.TimeoutExpired:
            raise TeletwinError("the learner does not finish", given=f"{FINISH_S:g} s") from None
        self._thread.join(1.0)
        if self.results is None:
            raise self.why_ended()
        return self.results

    def _hear(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            word, _, rest = line.strip().partition(" ")
            if word == READY:
                self._ready.set()
            elif word == DONE:
                self.results = json.loads(rest)
