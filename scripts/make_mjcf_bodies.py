#!/usr/bin/env python3
"""Write the capsules of ur3e_bodies.yaml, and the pairs that never meet, into ur3e.xml for MuJoCo.

Run after the bodies file changed: python scripts/make_mjcf_bodies.py. A test compares the two files. MuJoCo's bodies
have frames of their own (see the head of ur3e.xml): what lies between them and the URDF's links is read off both.
"""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from teletwin.assets import asset_path
from teletwin.geometry import Array
from teletwin.robot.bodies import Bodies
from teletwin.robot.kinematics import link_frames
from teletwin.robot.ur3e import load_ur3e

mujoco: Any = import_module("mujoco")
MODEL = asset_path("robots", "ur3e", "ur3e.xml")
_UR_BASE = np.diag([-1.0, -1.0, 1.0])
_GEOM = re.compile(r"^ *<geom name=.*\n", re.MULTILINE)
_CONTACT = re.compile(r"  <contact>.*?</contact>\n", re.DOTALL)


def body_of(link: str) -> str:
    """MuJoCo's name of a link's body."""
    return link.removesuffix("_inertia").removesuffix("_link")


def placements(model: Any) -> dict[str, tuple[Array, Array]]:
    """Origin (3,) [m] and rotation (3, 3) of every link in its body's frame, the same at all joint positions."""
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    robot = load_ur3e()
    links = dict.fromkeys(capsule.link for capsule in robot.bodies.capsules)
    result = {}
    for link, (origin, rotation) in link_frames(robot.chain, np.zeros(6), links).items():
        body = data.body(body_of(link))
        axes = body.xmat.reshape(3, 3)
        result[link] = axes.T @ (_UR_BASE @ origin - body.xpos), axes.T @ _UR_BASE @ rotation
    return result


def geoms(bodies: Bodies, link: str, placement: tuple[Array, Array], indent: str) -> str:
    """The lines of one body's geoms."""
    origin, rotation = placement
    lines = []
    for number, capsule in enumerate(bodies.of(link), 1):
        ends = [np.round(origin + rotation @ end, 5) + 0.0 for end in (capsule.a, capsule.b)]
        is_ball = np.array_equal(ends[0], ends[1])
        numbers = " ".join(f"{value:g}" for value in (ends[0] if is_ball else np.concatenate(ends)))
        place = f'type="sphere" pos="{numbers}"' if is_ball else f'fromto="{numbers}"'
        lines.append(f'{indent}<geom name="{body_of(link)}_{number}" {place} size="{capsule.radius:g}"/>\n')
    return "".join(lines)


def written(text: str) -> str:
    """The model's text with the geoms and exclusions of the bodies file."""
    bodies, places = load_ur3e().bodies, placements(mujoco.MjModel.from_xml_path(str(MODEL)))
    text = _CONTACT.sub("", _GEOM.sub("", text))
    for link, placement in places.items():
        opening = re.compile(rf'^( *)<body name="{body_of(link)}".*\n(?:\1  <(?:inertial|joint) .*\n)*', re.MULTILINE)
        found = opening.search(text)
        if found is None:
            raise SystemExit(f"{MODEL} has no body {body_of(link)}")
        text = text[: found.end()] + geoms(bodies, link, placement, f"{found[1]}  ") + text[found.end() :]
    links = list(places)
    apart = [(a, b) for k, a in enumerate(links) for b in links[k + 1 :] if (b, a) not in bodies.pairs]
    excluded = "".join(f'    <exclude body1="{body_of(a)}" body2="{body_of(b)}"/>\n' for a, b in apart)
    return text.replace("  <actuator>\n", f"  <contact>\n{excluded}  </contact>\n  <actuator>\n")


if __name__ == "__main__":
    Path(MODEL).write_text(written(MODEL.read_text(encoding="utf-8")), encoding="utf-8")
