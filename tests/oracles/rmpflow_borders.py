"""The borders of RMPflow's acceleration in plain numpy: the judge of the compiled ones, from the formulas alone."""

from __future__ import annotations

import numpy as np
from oracles.rmpflow import Sum, joint_transforms, link_transform, norm, resolve
from scipy.optimize import minimize_scalar, nnls

from teletwin.robot.frames import swap_base_vector


def closest(a, b, c, d):
    """Shares of the closest points of segments a-b and c-d, by nested search: the distance is convex."""

    def other(s):
        p, w = a + s * (b - a), d - c
        return float(np.clip((p - c) @ w / max(w @ w, 1e-300), 0, 1))

    def distance(s):
        return np.linalg.norm(a + s * (b - a) - c - other(s) * (d - c))

    found = minimize_scalar(distance, bounds=(0, 1), method="bounded", options={"xatol": 1e-13})
    s = min((0.0, 1.0, float(found.x)), key=distance)
    return s, other(s)


def points_of(robot, q, capsule):
    """Ends (2, 3) of a capsule in the root frame."""
    link = link_transform(robot.chain, q, capsule.link)
    return np.stack([(link @ np.append(end, 1))[:3] for end in (capsule.a, capsule.b)])


def place(robot, capsule, share):
    """A point of a capsule's axis as a function of q."""
    return lambda q: points_of(robot, q, capsule)[0] * (1 - share) + share * points_of(robot, q, capsule)[1]


def row(total, phi, x, barrier, bend=0.0):
    """Row, bound of a task map's acceleration at clearance x."""
    _, J, xd, c = total.linearize(phi)
    nearing = max(x, 0) / barrier.time_s + np.clip(x, -barrier.outward_m, 0) / barrier.return_s
    return J[0], -barrier.gain * (xd[0] + nearing) - c[0] - bend


def pair_rows(total, robot, clear, margins):
    rows = []
    for outer, inner in robot.bodies.pairs:
        for first in robot.bodies.of(outer):
            for second in robot.bodies.of(inner):
                a, b = points_of(robot, total.q, first), points_of(robot, total.q, second)
                s, t = closest(*a.real, *b.real)
                p, o = place(robot, first, s), place(robot, second, t)
                away = (p(total.q) - o(total.q)).real
                x = np.linalg.norm(away) - first.radius - second.radius - margins.body_m - clear.barrier.buffer_m
                n = away / np.linalg.norm(away)
                rows.append(row(total, lambda q, n=n, p=p, o=o: n @ (p(q) - o(q)), x, clear.barrier))
    return rows


def table_rows(total, robot, clear, margins):
    rows = []
    for capsule in robot.bodies.capsules:
        if robot.chain.frames[capsule.link].joint < 0 or capsule.link in robot.bodies.mounted:
            continue
        for share in (0.0, 1.0):
            p = place(robot, capsule, share)
            x = p(total.q)[2].real - capsule.radius - margins.obstacle_m - clear.barrier.buffer_m
            rows.append(row(total, lambda q, p=p: p(q)[2], x, clear.barrier))
    return rows


def tool_rows(total, robot, clear, margins, workspace):
    def tool(q):
        return link_transform(robot.chain, q, robot.tool_frame)[:3, 3]

    keep = margins.workspace_m + clear.barrier.buffer_m
    center = swap_base_vector(np.array(workspace.shoulder))
    away = center - tool(total.q).real
    n, distance = away / np.linalg.norm(away), np.linalg.norm(away)
    _, _, v, _ = total.linearize(tool)
    across = v @ v - (n @ v) ** 2
    ball = row(total, lambda q: n @ tool(q), workspace.radius_m - distance - keep, clear.barrier, -across / distance)
    floor = row(total, lambda q: tool(q)[2], tool(total.q)[2].real - workspace.height_min_m - keep, clear.barrier)
    return [ball, floor]


def joint_rows(total, clear):
    rows = []
    for i in range(len(total.q)):
        for sign, x in ((1, total.q[i] - clear.lower[i]), (-1, clear.upper[i] - total.q[i])):
            rows.append(row(total, lambda q, i=i, sign=sign: sign * q[i], x, clear.barrier))
            unit = sign * np.eye(len(total.q))[i]
            rows.append((unit, -clear.barrier.gain * (clear.fastest[i] + sign * total.qd[i])))
        if clear.bent[i] > 0:
            side = np.sign(total.q[i])
            x = side * total.q[i] - clear.bent[i]
            rows.append(row(total, lambda q, i=i, side=side: side * q[i], x, clear.barrier))
    return rows


def side_rows(total, robot, clear):
    """The frame that stays on its side, seen from the link that turns about the first axis."""
    if clear.side is None:
        return []
    chain = robot.chain
    turn, lift = (chain.joint_names.index(name) for name in (clear.side.turn, clear.side.lift))

    def along(q):
        frames = joint_transforms(chain, q)
        axes = [frames[j][:3, :3] @ chain.axes[j] for j in (turn, lift)]
        n = np.cross(*axes)
        return n @ (link_transform(chain, q, clear.side.frame)[:3, 3] - frames[turn][:3, 3]) / norm(n)

    x = along(total.q).real
    side = np.sign(x)
    return [row(total, lambda q: side * along(q), abs(x) - clear.side.margin_m, clear.barrier)]


def calm(clear, q, qd):
    """Metric and force of the damping near singular angles."""
    marked = clear.calm > 0
    opened = np.maximum(1 - np.abs(np.sin(q[marked])) / np.sin(clear.calm[marked]), 0)
    metric = clear.barrier.calm_metric * float((opened**2).sum())
    return metric * np.eye(len(q)), -metric * clear.barrier.calm_gain * qd


def keep(M, a, rows, metric):
    """The closest acceleration in the metric M that keeps the rows, and their force."""
    if not rows:
        return a, np.zeros_like(a)
    G, bound = np.array([line for line, _ in rows]), np.array([least for _, least in rows])
    L = np.linalg.cholesky(G @ np.linalg.solve(M, G.T) + np.eye(len(G)) / metric)
    weight, _ = nnls(L.T, np.linalg.solve(L, bound - G @ a), maxiter=1000)
    return a + np.linalg.solve(M, G.T @ weight), G.T @ weight


def acceleration_within(robot, clear, margins, workspace, q, qd, M, f, limit):
    """The answer of RMPflow's kernel for the sums M, f of its leaves; limit: its Resolve group."""
    total = Sum(q, qd)
    rows = [
        *joint_rows(total, clear),
        *pair_rows(total, robot, clear, margins),
        *table_rows(total, robot, clear, margins),
        *tool_rows(total, robot, clear, margins, workspace),
        *side_rows(total, robot, clear),
    ]
    rows = [each for each in rows if each[1] > -clear.barrier.look]
    damping, drag = calm(clear, q, qd)
    M, f = M + damping, f + drag
    kept, force = keep(M, np.linalg.solve(M, f), rows, clear.barrier.metric)
    a = resolve(M, f + force, limit.max_acceleration_norm, limit.projection_tolerance)
    return keep(M, a, rows, clear.barrier.metric)[0] if np.linalg.norm(kept) > limit.max_acceleration_norm else a
