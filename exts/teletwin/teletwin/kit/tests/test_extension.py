"""Inside Kit: the extension is enabled, drives the arm, and stops."""

from __future__ import annotations

import sys

import carb.settings
import omni.kit.app
import omni.kit.test
import omni.usd

from teletwin.kit import api
from teletwin.robot.ur3e import HOME_Q

_TURNS_MAX = 6000
"""Turns of Kit's loop to wait for: the first start compiles kernels."""
_SETTLE_TURNS = 20
"""Turns in which other extensions answer a stop of the timeline, and threads end."""
_BORROWED = ("/app/runLoops/main", "/app/player/useFixedTimeStepping")


def _of_kit() -> dict[str, object]:
    """What a session changes for its time."""
    settings = carb.settings.get_settings()
    return {path: settings.get(path) for path in _BORROWED} | {"interval": sys.getswitchinterval()}


class TestExtension(omni.kit.test.AsyncTestCase):
    """Needs a GPU for pictures only."""

    async def setUp(self) -> None:
        """A new stage; a session with the simulated arm."""
        await omni.usd.get_context().new_stage_async()
        api.start()
        await self._until("running")

    async def tearDown(self) -> None:
        """Nothing runs on."""
        api.stop()
        await omni.kit.app.get_app().next_update_async()

    async def test_the_arm_moves(self) -> None:
        """Commands come at the physics rate and leave home."""
        for _ in range(600):
            await omni.kit.app.get_app().next_update_async()
        status = api.status()
        assert status["state"] == "running", status["warnings"]
        run = api.current().run
        command = run.host.numbers.command if run is not None else None
        assert command is not None
        assert float(abs(command.q - HOME_Q).max()) > 0.01

    async def test_stop_puts_back_what_start_changed(self) -> None:
        """The run loop's settings and Python's switch interval are Kit's own again."""
        api.stop()
        await self._turn()
        before = _of_kit()
        api.start()
        await self._until("running")
        assert _of_kit() != before
        api.stop()
        await self._turn()
        assert _of_kit() == before

    async def test_it_stops_and_starts_again(self) -> None:
        """Stop leaves it ready to start."""
        api.stop()
        assert api.status()["state"] == "stopped"
        api.start()
        await self._until("running")

    async def _turn(self) -> None:
        for _ in range(_SETTLE_TURNS):
            await omni.kit.app.get_app().next_update_async()

    async def _until(self, state: str) -> None:
        for _ in range(_TURNS_MAX):
            if api.status()["state"] == state:
                return
            await omni.kit.app.get_app().next_update_async()
        self.fail(f"not {state}: {api.status()['warnings']}")
