"""Read files one by one, each in a process of its own, and tell what each took: bomb_readers.py < JSON, JSON out."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from teletwin.errors import TeletwinError

PRELOADED = ("h5py", "lz4.frame", "mcap.reader", "mujoco", "pyarrow.parquet", "yaml", "zstandard", "numpy.lib.npyio")


def readers() -> dict[str, Callable[[Path], object]]:
    """What a file may be read by."""
    from teletwin.allocation.policy_file import load_allocation_policy
    from teletwin.bench.three_hosts.changes import load_script
    from teletwin.cli.export import run_export
    from teletwin.forecast.pooled_model import PooledModel
    from teletwin.hand import load_hand
    from teletwin.hand.devices.leader_file import read_leader_file
    from teletwin.hand.readers import read_recording
    from teletwin.hand.replay import ReplayHand
    from teletwin.horizon.policy_file import load_policy
    from teletwin.recording import export_tum, read_log, read_session, write_merged
    from teletwin.report.document import read_report
    from teletwin.robot.bodies import load_bodies
    from teletwin.robot.containment import read_triangles
    from teletwin.robot.description import load_description
    from teletwin.robot.obstacles import load_obstacles
    from teletwin.robot.ur3e import HOME_Q, tool_pose_in_ur_base
    from teletwin.robot.urdf import load_urdf
    from teletwin.sim.mujoco_world import MujocoWorld, MujocoWorldCfg
    from teletwin.twin.rmpflow.config_file import load_rmpflow_config

    return {
        "allocation policy": load_allocation_policy,
        "bodies": load_bodies,
        "export": lambda path: run_export(path, out=path.parent / "out"),
        "horizon policy": load_policy,
        "leader": read_leader_file,
        "log": lambda path: export_tum(read_log(path), path.parent / "out"),
        "merged": lambda path: write_merged(read_session(path), path.parent / "out" / "merged.mcap"),
        "mesh": read_triangles,
        "network script": lambda path: load_script(str(path)),
        "obstacles": load_obstacles,
        "played hand": lambda path: ReplayHand(load_hand(str(path), home_pose=tool_pose_in_ur_base(HOME_Q))),
        "pooled model": PooledModel.load,
        "recording": read_recording,
        "report": read_report,
        "rmpflow": load_rmpflow_config,
        "robot description": load_description,
        "urdf": load_urdf,
        "world": lambda path: MujocoWorld(MujocoWorldCfg(scene=str(path))),
    }


def outcome(read: Callable[[Path], object], path: Path) -> dict[str, object]:
    """Read in a child of this process; what came of it, how long it took and how far its memory rose [MB]."""
    receive, send = os.pipe()
    child = os.fork()
    if child == 0:
        before_kb, start_s = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
        try:
            read(path)
            said = "read"
        except TeletwinError as error:
            said = f"refused: {error}"
        except BaseException as error:
            said = f"crashed: {type(error).__name__}: {str(error)[:200]}"
        grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb) / 1000
        told = {"said": said, "grown_mb": grown_mb, "seconds": time.monotonic() - start_s}
        os.write(send, json.dumps(told).encode())
        os._exit(0)
    os.close(send)
    with os.fdopen(receive, "rb") as stream:
        answer = stream.read()
    os.waitpid(child, 0)
    return json.loads(answer) if answer else {"said": "crashed: the process died", "grown_mb": 0.0, "seconds": 0.0}


if __name__ == "__main__":
    for name in PRELOADED:
        import_module(name)
    known = readers()
    sys.stderr.flush()
    asked = json.load(sys.stdin)
    devnull = os.open(os.devnull, os.O_WRONLY)
    kept = os.dup(1)
    os.dup2(devnull, 1)  # what the readers say to a person
    results = {name: outcome(known[reader], Path(path)) for name, (reader, path) in asked.items()}
    os.dup2(kept, 1)
    print(json.dumps(results), flush=True)
