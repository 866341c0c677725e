"""The application: its modules in place, its turns, and what is left when everything has ended."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import sys
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fake import core, rendering, run_loop, simulation
from fake.strict import Alive, Bus, module
from fake.ui import Ui

EXTENSION = Path(__file__).resolve().parents[3] / "exts/teletwin"
EXT_ID = "teletwin-0.1.0"


class FakeKit:
    """Kit with Isaac Sim 5.1 or 6.0, as far as the extension uses it."""

    def __init__(
        self,
        version: str,
        *,
        window: bool = True,
        gpu: bool = True,
        asset_root: str | None = None,
        version_text: str | None = None,
        settings: Mapping[str, Any] | None = None,
        extension: Path = EXTENSION,
    ) -> None:
        self.version, self.alive = version, Alive()
        self.log: list[str] = []
        self.bus = Bus(self.alive)
        values = {f"/exts/teletwin/{name}": value for name, value in (settings or {}).items()}
        of_kit = {"/app/window/enabled": window} | run_loop.SETTINGS["window" if window else "headless"]
        self.store = core.SettingsStore(of_kit | values)
        self.runner = run_loop.RunLoop(self.store)
        self.pacing = run_loop.Pacing(self.store, self.runner)
        enabled = {"teletwin", "omni.kit.uiapp"} if window else {"teletwin"}
        self.app = core.App(core.ExtensionManager(extension, enabled))
        self.timeline = core.Timeline(self.bus)
        self.context = core.UsdContext(self.bus)
        self.physics = simulation.Physics(version, self.bus, self.alive, self.context, self.timeline)
        self.replicator = rendering.Replicator(self.context, self.alive, self.bus, self.physics, has_gpu=gpu)
        self.ui = Ui(self.alive, self.bus)
        self.loop = asyncio.new_event_loop()
        self.errors: list[str] = []
        self.loop.set_exception_handler(lambda _, about: self.errors.append(str(about.get("message"))))
        self._has_window, self._asset_root = window, asset_root
        newest = "5.1.0" if version < "6" else "6.0.1"
        self._version_text = f"{newest}-rc.1" if version_text is None else version_text

    def modules(self) -> dict[str, types.ModuleType]:
        """Every module of the fake by name; without a window there is no omni.ui."""
        made = core.modules(
            version=self.version,
            bus=self.bus,
            store=self.store,
            app=self.app,
            timeline=self.timeline,
            context=self.context,
            log=self.log,
        )
        made |= simulation.modules(self.physics, version_text=self._version_text, asset_root=self._asset_root)
        made |= self.replicator.modules()
        made["omni.kit.loop"] = module("omni.kit.loop")
        made["omni.kit.loop._loop"] = module("omni.kit.loop._loop", acquire_loop_interface=lambda: self.runner)
        return made | (self.ui.modules() if self._has_window else {})

    def turn(self, *, dt_s: float = 0.004, steps: int = 1) -> None:
        """One turn of the main loop: update, asyncio, physics steps while playing, a rendered frame."""
        self.bus.emit(core.UPDATE, None)
        waiting, self.app._waiting = self.app._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)
        self.spin()
        if self.timeline.is_playing():
            if not self.physics.has_view:
                self.physics.play()
            for _ in range(steps):
                self.physics.step(dt_s)
        elif self.timeline.is_stopped() and self.physics.has_view:
            self.physics.stop()
        self.replicator.update()

    def update(self, passed_s: float) -> None:
        """One turn as the run loop's settings have it, passed_s [s] of wall time after the last."""
        rate_hz = self.physics.rate_hz
        steps = self.pacing.physics_steps(passed_s, rate_hz) if self.timeline.is_playing() else 0
        self.turn(dt_s=1.0 / rate_hz, steps=steps)

    def state(self) -> dict[str, Any]:
        """Everything of Kit's that a session may change for its time, and Python's own switch interval."""
        return dict(self.store._values) | {
            "manual step": self.runner.get_manual_step_size(),
            "target framerate": self.timeline.get_target_framerate(),
            "viewport": self.replicator.viewport.updates_enabled,
            "switch interval": sys.getswitchinterval(),
        }

    def spin(self) -> None:
        """One iteration of Kit's asyncio loop."""
        self.loop.call_soon(self.loop.stop)
        self.loop.run_forever()

    def leftovers(self) -> list[str]:
        """What is still subscribed, registered, shown or rendered."""
        gc.collect()
        return self.alive.list()

    def extension(self, surroundings: Any = None) -> Any:
        """The extension, found by its base class as Kit finds it, not yet started."""
        found = importlib.import_module("teletwin.kit")
        base = sys.modules["omni.ext"].IExt
        (kind,) = [each for each in vars(found).values() if isinstance(each, type) and issubclass(each, base)]
        extension = kind()
        extension.surroundings = surroundings
        return extension


def forget_extension() -> None:
    """Drop the extension's modules, as Kit does before it loads them anew."""
    for name in [name for name in sys.modules if name == "teletwin.kit" or name.startswith("teletwin.kit.")]:
        del sys.modules[name]
    parent = sys.modules.get("teletwin")
    if parent is not None and hasattr(parent, "kit"):
        del parent.kit


@contextlib.contextmanager
def kit(version: str = "6.0", **options: Any) -> Iterator[FakeKit]:
    """Kit's modules in place for the block; the extension is loaded anew inside and forgotten after."""
    fake = FakeKit(version, **options)
    modules = fake.modules()
    before = {name: sys.modules.get(name) for name in modules}
    forget_extension()
    for name, made in modules.items():
        sys.modules[name] = made
        parent, _, child = name.rpartition(".")
        if parent in modules:
            setattr(modules[parent], child, made)
    asyncio.set_event_loop(fake.loop)
    try:
        yield fake
    finally:
        for _ in range(3):  # what was cancelled ends
            fake.spin()
        forget_extension()
        for name, old in before.items():
            if old is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = old
        asyncio.set_event_loop(None)
        fake.loop.close()
