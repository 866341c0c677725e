"""RMPflow in plain numpy, float64: the judge of the compiled one, written from the formulas alone.

Every leaf is only its task map. Jacobians come from the complex step (exact to rounding), curvature from a
five-point difference of it along the motion; nothing is shared with the compiled kinematics.
"""

from __future__ import annotations

import numpy as np


def joint_transforms(chain, q):
    """Homogeneous transforms (4, 4), possibly complex, of every joint frame in the root frame."""
    out = [None] * chain.joint_count
    for i in chain.order:
        fixed = np.eye(4, dtype=complex)
        fixed[:3, :3], fixed[:3, 3] = chain.rotations[i], chain.translations[i]
        move = np.eye(4, dtype=complex)
        axis = chain.axes[i]
        if chain.prismatic[i]:
            move[:3, 3] = axis * q[i]
        else:
            cross = np.cross(np.eye(3), axis)  # the matrix of the cross product
            move[:3, :3] = np.eye(3) + np.sin(q[i]) * cross + (1 - np.cos(q[i])) * cross @ cross
        before = np.eye(4) if chain.parents[i] < 0 else out[chain.parents[i]]
        out[i] = before @ fixed @ move
    return out


def link_transform(chain, q, link):
    frame = chain.frames[link]
    fixed = np.eye(4)
    fixed[:3, :3], fixed[:3, 3] = frame.rotation, frame.translation
    return fixed if frame.joint < 0 else joint_transforms(chain, q)[frame.joint] @ fixed


def norm(v):
    return np.sqrt(np.sum(v * v))


def sphere_distance(p, obstacle):
    return norm(p - obstacle["center"]) - obstacle["radius"]


def plane_distance(p, obstacle):
    normal = np.asarray(obstacle["normal"]) / np.linalg.norm(obstacle["normal"])
    return normal @ (p - obstacle["point"])


def box_distance(p, obstacle):
    local = obstacle["rotation"].T @ (p - obstacle["center"])
    folded = local * np.where(local.real < 0, -1, 1) - np.asarray(obstacle["size"]) / 2
    if np.any(folded.real > 0):
        return norm(folded[folded.real > 0])
    return folded[int(np.argmax(folded.real))]


def segment_distance(p, a, b):
    along = b - a
    s = np.sum((p - a) * along) / np.sum(along * along)
    s = 0.0 if s.real < 0 else 1.0 if s.real > 1 else s
    return norm(p - a - s * along)


DISTANCES = {"sphere": sphere_distance, "plane": plane_distance, "box": box_distance}


def sigmoid(u):
    return 1 / (1 + np.exp(-u))


class Sum:
    """Collects leaves: M = sum J^T M J, f = sum J^T M (a - c)."""

    def __init__(self, q, qd):
        self.q, self.qd = q, qd
        self.M = np.zeros((len(q), len(q)))
        self.f = np.zeros(len(q))

    def linearize(self, phi):
        """Value, Jacobian, velocity and curvature of a task map at (q, qd)."""
        tiny, step = 1e-30, 1e-3
        x = np.atleast_1d(phi(self.q.astype(complex))).real
        J = np.stack(
            [np.atleast_1d(phi(self.q + 1j * tiny * unit)).imag / tiny for unit in np.eye(len(self.q))], axis=1
        )

        def rate(t):
            return np.atleast_1d(phi(self.q + t * self.qd + 1j * tiny * self.qd)).imag / tiny

        c = (8 * (rate(step) - rate(-step)) - (rate(2 * step) - rate(-2 * step))) / (12 * step)
        return x, J, J @ self.qd, c

    def add(self, J, M, a, c):
        M = np.atleast_2d(M)
        self.M += J.T @ M @ J
        self.f += J.T @ M @ (np.atleast_1d(a) - c)


def joint_leaves(total, chain, config, posture):
    n, q, qd = chain.joint_count, total.q, total.qd
    p = config.cspace_target
    away = posture - q
    if np.linalg.norm(away) >= p.robust_position_term_thresh:
        away = away * p.robust_position_term_thresh / np.linalg.norm(away)
    total.add(np.eye(n), p.metric_scalar * np.eye(n), p.position_gain * away - p.damping_gain * qd, np.zeros(n))
    total.add(np.eye(n), p.inertia * np.eye(n), np.zeros(n), np.zeros(n))
    g = config.joint_limit
    for i in range(n):
        unit = np.eye(n)[i : i + 1]
        low, high = chain.lower[i] + config.joint_limit_buffers[i], chain.upper[i] - config.joint_limit_buffers[i]
        if np.isfinite(high - low):
            for x, sign in (((q[i] - low) / (high - low), 1), ((high - q[i]) / (high - low), -1)):
                J = sign * unit / (high - low)
                xd = (J @ qd)[0]
                x = max(x, 0)
                a = g.accel_potential_gain / (
                    x**2 / g.accel_potential_exploder_length_scale**2 + g.accel_potential_exploder_eps
                )
                a -= g.accel_damper_gain * xd
                gate = sigmoid(-xd / g.metric_velocity_gate_length_scale)
                m = gate * g.metric_scalar / (x / g.metric_length_scale + g.metric_exploder_eps)
                total.add(J, m, a, 0)
        cap = config.velocity_caps.get(chain.joint_names[i], config.velocity_cap)
        e = abs(qd[i]) - (cap.max_velocity - cap.velocity_damping_region)
        if e >= 0:
            ratio = min(e, cap.velocity_damping_region - 1e-6) / cap.velocity_damping_region
            total.add(unit, cap.metric_weight / (1 - ratio**2), -cap.damping_gain * np.sign(qd[i]) * e, 0)


def frame_leaves(total, chain, config, link, goal):
    """goal: dict with optional position, rotation, velocity, angular_velocity, all in the root frame."""
    x, J, v, c = total.linearize(lambda q: link_transform(chain, q, link)[:3, 3])
    d = config.damping
    speed = np.linalg.norm(v)
    total.add(J, d.metric_scalar * speed * np.eye(3), -d.accel_d_gain * speed * v, c)
    total.add(J, d.inertia * np.eye(3), np.zeros(3), c)
    t, boost = config.target, 1.0
    if goal.get("position") is not None:
        e = goal["position"] - x
        dist = np.linalg.norm(e)
        relative = v - goal.get("velocity", 0)
        a = t.accel_p_gain * e / (dist + t.accel_norm_eps) - t.accel_d_gain * relative
        alpha = (1 - t.min_metric_alpha) * np.exp(-(dist**2) / 2 / t.metric_alpha_length_scale**2) + t.min_metric_alpha
        beta = np.exp(-(dist**2) / 2 / t.proximity_metric_boost_length_scale**2)
        n = e / max(dist, t.accel_norm_eps / 10)
        M = alpha * t.max_metric_scalar * np.eye(3) + (1 - alpha) * t.min_metric_scalar * np.outer(n, n)
        total.add(J, (beta * t.proximity_metric_boost_scalar + 1 - beta) * M, a, c)
        beta = np.exp(-(dist**2) / 2 / config.axis_target.proximity_metric_boost_length_scale**2)
        boost = beta * config.axis_target.proximity_metric_boost_scalar + 1 - beta
    if goal.get("rotation") is not None:
        g = config.axis_target
        for k in range(3):
            n, J, nd, c = total.linearize(lambda q, k=k: link_transform(chain, q, link)[:3, k])
            relative = nd - np.cross(goal.get("angular_velocity", np.zeros(3)), n)
            a = g.accel_p_gain * (goal["rotation"][:, k] - n) - g.accel_d_gain * relative
            total.add(J, g.metric_scalar * boost * np.eye(3), a, c)


def collision_leaf(total, config, phi):
    g = config.collision
    x, J, xd, c = total.linearize(phi)
    x, xd = max(x[0], 0), xd[0]
    gate = sigmoid(-xd / g.damping_velocity_gate_length_scale)
    fade = (1 - x / g.metric_modulation_radius) ** 2 if x <= g.metric_modulation_radius else 0
    a = g.repulsion_gain * np.exp(-x / g.repulsion_std_dev)
    a -= g.damping_gain * gate * xd / (x / g.damping_std_dev + g.damping_robustness_eps)
    m = gate * fade * g.metric_scalar / (x / g.metric_exploder_std_dev + g.metric_exploder_eps)
    total.add(J, m, a, c)


def obstacle_leaves(total, robot, config, obstacles):
    for ball in robot.spheres:
        if robot.chain.frames[ball.link].joint < 0:
            continue
        for obstacle in obstacles:

            def phi(q, ball=ball, obstacle=obstacle):
                center = (link_transform(robot.chain, q, ball.link) @ np.append(ball.center, 1))[:3]
                return DISTANCES[obstacle["kind"]](center, obstacle) - ball.radius

            collision_leaf(total, config, phi)


def body_leaves(total, chain, config):
    for controller in config.body_controllers:
        for capsule in config.body_capsules:

            def phi(q, controller=controller, capsule=capsule):
                point = link_transform(chain, q, controller.frame)[:3, 3]
                body = link_transform(chain, q, capsule.link)
                a, b = (body @ np.append(end, 1) for end in (capsule.point1, capsule.point2))
                return segment_distance(point, a[:3], b[:3]) - capsule.radius - controller.radius

            collision_leaf(total, config, phi)


def resolve(M, f, bound, tolerance):
    a = np.linalg.pinv(M, rcond=1e-12, hermitian=True) @ f if np.linalg.cond(M) > 1e12 else np.linalg.solve(M, f)
    if np.linalg.norm(a) <= bound:
        return a

    def shifted(lam):
        return np.linalg.solve(M + lam * np.eye(len(f)), f)

    low, high = 0.0, 1.0
    while np.linalg.norm(shifted(high)) > bound:
        high *= 2
    while True:
        lam = (low + high) / 2
        a = shifted(lam)
        if abs(np.linalg.norm(a) - bound) <= tolerance:
            return a
        low, high = (lam, high) if np.linalg.norm(a) > bound else (low, lam)


def rmpflow(robot, config, q, qd, *, goals=None, obstacles=(), posture=None):
    """Acceleration (n,), force (n,) and metric (n, n); goals: one dict for every controlled frame by link name."""
    total = Sum(np.asarray(q, float), np.asarray(qd, float))
    joint_leaves(total, robot.chain, config, robot.default_q if posture is None else posture)
    for link, goal in (goals or {robot.tool_frame: {}}).items():
        frame_leaves(total, robot.chain, config, link, goal)
    body_leaves(total, robot.chain, config)
    obstacle_leaves(total, robot, config, obstacles)
    a = resolve(total.M, total.f, config.resolve.max_acceleration_norm, config.resolve.projection_tolerance)
    return a, total.f, total.M
