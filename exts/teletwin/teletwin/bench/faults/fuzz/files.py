"""Readers of files: session logs, recordings, policies, and the line that tells a role its settings."""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from teletwin.bench.faults.fuzz.target import FuzzTarget
from teletwin.clock import VirtualClock
from teletwin.errors import RecordingError, TeletwinError
from teletwin.messages import Note, PoseSample
from teletwin.robot.ur3e import HOME_Q, tool_pose_in_ur_base

_REFUSED = (TeletwinError,)


def file_targets(stack: contextlib.ExitStack) -> Iterator[FuzzTarget]:
    """One for each; their files live as long as the stack."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="teletwin-fuzz-", dir=_quick_folder())))
    yield _session_log(folder)
    yield _logged_values(folder)
    yield from _recordings(folder)
    yield from _policies(folder)
    yield _audit_log(folder)
    yield from _descriptions(folder)
    yield _settings()


def _quick_folder() -> str | None:
    """Memory, where there is a file system on it: a file for each of a million inputs spares the disk."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def _from_file(path: Path, read: Callable[[Path], object]) -> Callable[[bytes], None]:
    def written(data: bytes) -> None:
        path.write_bytes(data)
        read(path)

    return written


def _session_log(folder: Path) -> FuzzTarget:
    from teletwin.bench.faults.fuzz.attacked import good_messages
    from teletwin.recording import SessionLog, export_tum, read_session
    from teletwin.session.config import SessionCfg

    path, pose = folder / "good.mcap", tool_pose_in_ur_base(HOME_Q)
    with SessionLog(path, clock=VirtualClock(start_ns=1)) as log:
        log.write_metadata("configuration", SessionCfg())
        clocks = Note(kind="clocks", values={"twin": 5, "arm": -7})
        for k, message in enumerate([*good_messages(), clocks, *good_messages()]):
            log.write(message, role="operator", t_ns=10 + k, seq=k)
            log.write(PoseSample(t_ns=10_000_000 * (k + 1), pose=pose), role="operator", t_ns=10 + k, seq=k)

    def read(given: Path) -> None:
        recording = read_session(given)
        for each in recording.messages:
            if each.schema.startswith("teletwin."):
                each.message()
        export_tum(recording, folder / "tum")

    return FuzzTarget(
        name="session logs",
        corpus=[path.read_bytes()],
        read=_from_file(folder / "fuzzed.mcap", read),
        refusals=_REFUSED,
        share=1.0,
    )


def _logged_values(folder: Path) -> FuzzTarget:
    """Records that are whole but say odd things, as another program or version may write them."""
    from teletwin.recording import export_tum, read_log
    from teletwin.recording.clocks import align

    good = read_log(folder / "good.mcap")
    corpus = [bytes([k]) + each.data for k, each in enumerate(good.messages)]

    def read(data: bytes) -> None:
        number = (data[0] if data else 0) % len(good.messages)
        messages = good.messages.with_data({number: data[1:]})
        recording, odd = dataclasses.replace(good, messages=messages), messages[number]
        align([recording, dataclasses.replace(recording, role="twin")])
        export_tum(recording, folder / "tum")
        if odd.schema.startswith("teletwin."):
            odd.message()

    return FuzzTarget(name="messages of session logs", corpus=corpus, read=read, refusals=_REFUSED, share=0.3)


def _recordings(folder: Path) -> Iterator[FuzzTarget]:
    from teletwin.hand.readers import read_recording

    rows = [(0.01 * k, 0.1 + 0.001 * k, 0.2, 0.3, 1.0, 0.0, 0.0, 0.0) for k in range(20)]
    tum = "\n".join(" ".join(f"{v:g}" for v in (t, x, y, z, qx, qy, qz, qw)) for t, x, y, z, qw, qx, qy, qz in rows)
    csv = "t,x,y,z,qw,qx,qy,qz\n" + "\n".join(",".join(f"{v:g}" for v in row) for row in rows)
    for name, text in (("tum", tum), ("csv", csv)):
        yield FuzzTarget(
            name=f"recordings, {name.upper()}",
            corpus=[text.encode(), b"# a comment\n" + text.encode()],
            read=_from_file(folder / f"fuzzed.{name}", read_recording),
            refusals=_REFUSED,
            share=1.5,
        )
    yield FuzzTarget(
        name="recordings, MCAP",
        corpus=[(folder / "good.mcap").read_bytes()],
        read=_from_file(folder / "fuzzed-hand.mcap", read_recording),
        refusals=_REFUSED,
        share=1.0,
    )


def _policies(folder: Path) -> Iterator[FuzzTarget]:
    from teletwin.allocation.policy_file import identity_policy as allocation_policy
    from teletwin.allocation.policy_file import load_allocation_policy, save_allocation_policy
    from teletwin.horizon.policy_file import identity_policy, load_policy, save_policy

    horizon = save_policy(folder / "horizon.npz", identity_policy()).read_bytes()
    allocation = save_allocation_policy(folder / "allocation.npz", allocation_policy()).read_bytes()
    readers: dict[str, tuple[bytes, Callable[[Path], object]]] = {
        "horizon": (horizon, load_policy),
        "allocation": (allocation, load_allocation_policy),
    }
    for name, (good, read) in readers.items():
        yield FuzzTarget(
            name=f"policies, {name}",
            corpus=[good],
            read=_from_file(folder / f"fuzzed-{name}.npz", read),
            refusals=_REFUSED,
            share=0.7,
        )


def _audit_log(folder: Path) -> FuzzTarget:
    """Accepted is what is sound."""
    from teletwin.recording.audit_check import check_audit_log
    from teletwin.recording.audit_log import open_audit_log

    path = folder / "good.jsonl"
    with open_audit_log(path, facts={"role": "twin"}, clock=VirtualClock()) as log:
        for _ in range(4):
            log.add("hold", {"who": "watchdog"})

    def read(path: Path) -> None:
        verdict = check_audit_log(path)
        if not verdict.is_sound:
            raise RecordingError(verdict.text)

    return FuzzTarget(
        name="audit logs",
        corpus=[path.read_bytes()],
        read=_from_file(folder / "fuzzed.jsonl", read),
        refusals=_REFUSED,
        share=1.0,
    )


def _descriptions(folder: Path) -> Iterator[FuzzTarget]:
    """Robots, bodies and reports: trees of text."""
    from teletwin.report.document import FORMAT, read_report
    from teletwin.robot.bodies import load_bodies
    from teletwin.robot.description import load_description
    from teletwin.robot.urdf import load_urdf

    ball = "- base: [&b {center: [0, 0, 0.1], radius: 0.05}, *b]"
    lula = f"cspace: [a, b]\ndefault_q: [0, 1]\nacceleration_limits: [1, 2]\ncollision_spheres:\n{ball}\n"
    bodies = "never_meet: {a: [b]}\nlinks:\n  a: {name: upper arm, capsules: [{a: [0, 0, 0], radius: 0.1}]}\n"
    bodies += "  b: {name: forearm, mounted: true, capsules: []}\n"
    joint = '<joint name="j" type="revolute"><parent link="a"/><child link="b"/><limit lower="-1" upper="1"/></joint>'
    readers: dict[str, tuple[str, Callable[[Path], object]]] = {
        "robots, YAML": (lula, load_description),
        "robots, URDF": (f'<robot name="r"><link name="a"/><link name="b"/>{joint}</robot>', load_urdf),
        "bodies of robots": (bodies, load_bodies),
        "reports": (f'{{"format": "{FORMAT}", "results": {{"a": [1, 2.5, null]}}}}', read_report),
    }
    for name, (good, read) in readers.items():
        path = folder / f"fuzzed-{name.replace(', ', '-').replace(' ', '-')}"
        yield FuzzTarget(name=name, corpus=[good.encode()], read=_from_file(path, read), refusals=_REFUSED, share=0.5)


def _settings() -> FuzzTarget:
    """What crosses the pipe from the launcher; a role that cannot read it says so and ends."""
    from teletwin.session.role_cfg import RoleCfg, from_json, to_json

    good = to_json(RoleCfg(role="twin", addresses={"operator": ("127.0.0.1", 5), "twin": None}))
    return FuzzTarget(
        name="settings of a role",
        corpus=[good.encode()],
        read=lambda data: _ignore(from_json(data.decode("utf-8", errors="replace"))),
        refusals=_REFUSED,
        share=1.5,
    )


def _ignore(_: object) -> None:
    """What was read is not needed."""
