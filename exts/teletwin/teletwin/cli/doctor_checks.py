"""What a machine needs for the demo, one small function each; none of them changes anything."""

from __future__ import annotations

import ctypes
import getpass
import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from importlib import metadata
from pathlib import Path

from teletwin.assets import asset_path
from teletwin.errors import ConfigError, TeletwinError
from teletwin.listening import listening_socket
from teletwin.session.realtime import ARM_PRIORITY


class State(Enum):
    """How a check came out."""

    OK = "ok"
    NOTE = "note"
    """The demo runs; something is slower, or optional and absent."""
    MISSING = "missing"
    """The demo cannot run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing looked at."""

    name: str
    state: State
    found: str
    mend: str = ""


def check_python() -> Iterator[Check]:
    """Python 3.11 or 3.12."""
    found = ".".join(map(str, sys.version_info[:3]))
    if (3, 11) <= sys.version_info[:2] < (3, 13):
        yield Check(name="Python", state=State.OK, found=found)
    else:
        mend = "install Python 3.11 or 3.12 and run scripts/demo.py with it"
        yield Check(name="Python", state=State.MISSING, found=found, mend=mend)


def check_packages() -> Iterator[Check]:
    """Every runtime dependency, within the range that teletwin declares."""
    from packaging.requirements import Requirement

    try:
        declared = [Requirement(each) for each in metadata.requires("teletwin") or []]
    except metadata.PackageNotFoundError:
        yield Check(name="packages", state=State.MISSING, found="teletwin is not installed", mend="pip install -e .")
        return
    needed = [each for each in declared if each.marker is None or each.marker.evaluate({"extra": ""})]
    bad = [check for each in needed if (check := _package(each.name, str(each.specifier), each))]
    yield from bad
    if not bad:
        yield Check(name="packages", state=State.OK, found=f"{len(needed)} installed, within the tested ranges")


def _package(name: str, allowed: str, requirement: object) -> Check | None:
    mend = f"python3 scripts/demo.py, or pip install '{requirement}'"
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Check(name=name, state=State.MISSING, found="not installed", mend=mend)
    if getattr(requirement, "specifier").contains(version, prereleases=True):  # noqa: B009
        return None
    return Check(name=name, state=State.NOTE, found=f"{version}, tested with {allowed}", mend=mend)


def check_assets() -> Iterator[Check]:
    """The robot's description, meshes and the page."""
    try:
        for parts in (("robots", "ur3e", "ur3e.urdf"), ("robots", "ur3e", "meshes"), ("scenes",)):
            asset_path(*parts)
        if not (Path(__file__).parents[1] / "view" / "page" / "index.html").exists():
            raise ConfigError("the page is missing", mend="use a complete checkout or wheel")
    except TeletwinError as error:
        yield Check(name="assets", state=State.MISSING, found=str(error), mend="use a complete checkout or wheel")
    else:
        yield Check(name="assets", state=State.OK, found="robot, scenes and page are there")


def check_rendering() -> Iterator[Check]:
    """One pixel drawn by OpenGL without a screen."""
    try:
        from teletwin.view.gl_context import create_context

        context = create_context()
    except (TeletwinError, ImportError) as error:
        mend = "apt-get install -y libegl1 libgl1 libgl1-mesa-dri"
        yield Check(name="OpenGL (EGL)", state=State.MISSING, found=str(error), mend=mend)
        return
    try:
        target = context.simple_framebuffer((1, 1))
        target.use()
        target.clear(1.0, 0.0, 0.0, 1.0)
        pixel, renderer = target.read(components=3), context.info["GL_RENDERER"]
    finally:
        context.release()
    drawn = pixel == b"\xff\x00\x00"
    state = State.OK if drawn else State.MISSING
    yield Check(name="OpenGL (EGL)", state=state, found=renderer, mend="" if drawn else "the driver draws nothing")


def check_encoder() -> Iterator[Check]:
    """The x264 encoder within PyAV."""
    try:
        import av.codec

        found = av.codec.Codec("libx264", "w").long_name
    except (ImportError, ValueError) as error:
        mend = "pip install --force-reinstall av (its wheels hold x264)"
        yield Check(name="x264", state=State.MISSING, found=str(error), mend=mend)
    else:
        yield Check(name="x264", state=State.OK, found=found)


def check_ports(host: str, ports: dict[int, str]) -> Iterator[Check]:
    """Ports that the demo opens."""
    for port, purpose in ports.items():
        name = f"port {port}"
        try:
            listening_socket(host, port).close()
        except OSError as error:
            mend = f"end what uses it (ss -ltnp 'sport = :{port}')"
            mend += (
                " or choose another --port"
                if purpose == "page"
                else " or choose another --controller-host, for example 127.0.0.2"
            )
            found = f"{purpose}: {error.strerror}"
            yield Check(name=name, state=State.MISSING, found=found, mend=mend)
        else:
            yield Check(name=name, state=State.OK, found=f"{purpose}: free on {host}")


def check_cores() -> Iterator[Check]:
    """Cores that this process may use."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    state = State.OK if count >= 2 else State.NOTE
    mend = "" if count >= 2 else "with one core expect a lower picture rate: --rate-hz 15"
    yield Check(name="cores", state=state, found=str(count), mend=mend)


def check_realtime() -> Iterator[Check]:
    """SCHED_FIFO, which keeps the 500 Hz ticks on time on a busy machine."""
    name = "SCHED_FIFO"
    if not hasattr(os, "sched_setscheduler"):
        yield Check(name=name, state=State.NOTE, found="not on this system")
        return
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(ARM_PRIORITY))
        os.sched_setscheduler(0, policy, parameters)
    except PermissionError:
        mend = f"for steadier ticks add '{getpass.getuser()} - rtprio 40' to /etc/security/limits.conf and log in again"
        yield Check(name=name, state=State.NOTE, found="not permitted", mend=mend)
    else:
        yield Check(name=name, state=State.OK, found="permitted")


def check_kernel_cache() -> Iterator[Check]:
    """Where compiled kernels are kept between starts."""
    folder = Path(os.environ.get("WARP_CACHE_PATH", Path.home() / ".cache" / "warp"))
    existing = next(each for each in (folder, *folder.parents) if each.exists())
    if not os.access(existing, os.W_OK):
        mend = "make it writable or set WARP_CACHE_PATH to a folder that is"
        yield Check(name="kernel cache", state=State.MISSING, found=f"{folder} cannot be written", mend=mend)
        return
    count = sum(1 for _ in folder.glob("**/wp_*/*.o")) if folder.exists() else 0
    found = f"{count} compiled in {folder}" if count else "empty: the first start compiles for about half a minute"
    yield Check(name="kernel cache", state=State.OK if count else State.NOTE, found=found)


def check_browser() -> Iterator[Check]:
    """A browser that decodes video with WebCodecs, for the page and its tests."""
    names = ("chromium", "google-chrome", "chromium-browser", "microsoft-edge", "firefox")
    found = next((path for path in map(shutil.which, names) if path), None)
    if found:
        yield Check(name="browser", state=State.OK, found=found)
    else:
        mend = "open the page from another machine, use --headless, or apt-get install -y chromium"
        yield Check(name="browser", state=State.NOTE, found="none here", mend=mend)


_PURPOSES = {
    "dds": "--link dds",
    "ros2": "ROS 2 at the edges",
    "hands": "SpaceMouse, gamepad, leader arms",
    "train": "training",
    "readers": "recordings in HDF5 and Parquet",
    "rerun": "export to rerun",
}


def check_extras() -> Iterator[Check]:
    """What each extra is for, and whether all that it needs is there; the demo needs none."""
    from packaging.requirements import Requirement

    try:
        declared = [Requirement(each) for each in metadata.requires("teletwin") or []]
    except metadata.PackageNotFoundError:  # said already
        return
    for extra, purpose in _PURPOSES.items():
        wanted = [each for each in declared if each.marker is not None and each.marker.evaluate({"extra": extra})]
        missing = [each.name for each in wanted if not _is_installed(each.name)]
        found = f"{purpose}: " + (f"not installed ({', '.join(missing)})" if missing else "installed")
        yield Check(name=f"[{extra}]", state=State.OK, found=found)


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def check_optional() -> Iterator[Check]:
    """What speeds up training only."""
    torch = importlib.util.find_spec("torch") is not None
    yield Check(name="torch", state=State.OK, found="installed" if torch else "not installed, not needed here")
    try:
        ctypes.CDLL("libcuda.so.1")
        cuda = "driver found"
    except OSError:
        cuda = "no driver, not needed here"
    yield Check(name="CUDA", state=State.OK, found=cuda)
