"""The judge by meshes: hand-made cases, pairs that never meet, and capsules that stay on the safe side."""

from pathlib import Path

import numpy as np
import pytest

from teletwin.assets import asset_path
from teletwin.geometry import Array
from teletwin.robot.kinematics import link_frames
from teletwin.robot.obstacles import load_obstacles
from teletwin.robot.ur3e import HOME_Q, load_ur3e

pytest.importorskip("coal")

from teletwin.bench.limits_study.judge import Judge


@pytest.fixture(scope="module")
def judge():
    return Judge(load_obstacles(asset_path("scenes", "table.xml")))


@pytest.fixture(scope="module")
def strict():
    return Judge(every_pair=True)


def posture(**degrees):
    names = ("shoulder_pan", "shoulder_lift", "elbow", "wrist_1", "wrist_2", "wrist_3")
    q = HOME_Q.copy()
    for name, value in degrees.items():
        q[names.index(name)] = np.deg2rad(value)
    return q


def test_home_is_clear(judge):
    nearest = judge.clearance(HOME_Q)
    assert nearest.pair == "wrist 3 to forearm"
    assert nearest.distance_m == pytest.approx(0.059, abs=0.001)
    assert judge.first_contact(HOME_Q[None]) is None


def test_a_wrist_that_is_let_down_meets_the_table(judge):
    way = np.linspace(HOME_Q, posture(shoulder_lift=0.0, elbow=90.0, wrist_1=-90.0), 200)
    first = judge.first_contact(way)
    assert first is not None
    assert first.pair == "wrist 3 to table"
    assert judge.clearance(way[first.index - 1]).distance_m > 0.0


def test_a_folded_elbow_brings_a_wrist_to_the_upper_arm(judge):
    first = judge.first_contact(np.linspace(HOME_Q, posture(shoulder_lift=-90.0, elbow=180.0), 200))
    assert first is not None
    assert first.pair.endswith("to upper arm")


def test_a_tool_counts(judge):
    pen = np.array([[[0.0, 0.0, 0.0], [0.004, 0.0, 0.2], [-0.004, 0.0, 0.2]]])
    low = posture(shoulder_lift=-60.0, elbow=90.0, wrist_1=-120.0, wrist_2=-90.0)
    assert judge.first_contact(low[None]) is None
    armed = Judge(load_obstacles(asset_path("scenes", "table.xml")), tools={"tool0": pen})
    first = armed.first_contact(low[None])
    assert first is not None
    assert first.pair == "tool to table"


def test_a_mesh_inside_another_touches_it():
    from teletwin.bench.limits_study.solids import mesh_distance, meshes_touch, solid

    corners = np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    hull = corners[[[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]]]
    outer, inner, here = solid(hull), solid(0.1 * hull), (np.zeros(3), np.eye(3))
    assert mesh_distance(inner, outer, here, here) == 0.0
    assert meshes_touch(outer, inner, here, here)
    assert not meshes_touch(outer, inner, here, (np.array([0.0, 0.0, 2.0]), np.eye(3)))


def grid(**steps) -> Array:
    """Postures (k, 6) over whole turns of the named joints, in steps [degrees]."""
    names = ("shoulder_pan", "shoulder_lift", "elbow", "wrist_1", "wrist_2", "wrist_3")
    axes = [np.deg2rad(np.arange(-180.0, 180.0, step)) for step in steps.values()]
    values = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
    qs = np.tile(HOME_Q, (len(values), 1))
    qs[:, [names.index(name) for name in steps]] = values
    return qs


# Between two postures of a grid a point moves by at most half a step times its distance from the axis: the parts of the
# last column, by the meshes' reach from the axes of the two joints, add up to less than the clearance on the grid.
@pytest.mark.parametrize(
    ("pair", "steps", "moved_m"),
    [
        ("upper arm to base", {"shoulder_pan": 10.0, "shoulder_lift": 2.0}, 0.0873 * 0.0647 + 0.0175 * 0.335),
        ("wrist 2 to forearm", {"wrist_1": 4.0, "wrist_2": 4.0}, 0.0349 * (0.136 + 0.051)),
        ("wrist 3 to wrist 1", {"wrist_2": 4.0, "wrist_3": 10.0}, 0.0349 * 0.1 + 0.0873 * 0.038),
    ],
)
def test_pairs_that_are_left_out_never_meet(strict, pair, steps, moved_m):
    nearest = strict.smallest(grid(**steps), pair=pair)
    print(f"{pair}: {1e3 * nearest.distance_m:.1f} mm")
    assert nearest.distance_m > moved_m
    assert nearest.distance_m > 0.017


def test_what_the_judge_leaves_out_is_what_the_tests_prove(judge, strict):
    left_out = {pair for pair in strict.pairs if pair not in judge.pairs}
    by_plane = {f"{wrist} to {inner}" for wrist in ("wrist 1", "wrist 2") for inner in ("base", "shoulder")}
    assert left_out == by_plane | {"upper arm to base", "wrist 2 to forearm", "wrist 3 to wrist 1"}


def capsule_distance(a: Array, b: Array, c: Array, d: Array) -> Array:
    """Distances (k,) of segments a-b and c-d, each (k, 3), by alternating projections from several starts."""
    best = np.full(len(a), np.inf)
    for start in np.linspace(0.0, 1.0, 5):
        p = a + start * (b - a)
        for _ in range(40):
            q = nearest_on(p, c, d)
            p = nearest_on(q, a, b)
        best = np.minimum(best, np.linalg.norm(p - q, axis=1))
    return best


def nearest_on(p: Array, a: Array, b: Array) -> Array:
    along = b - a
    share = np.sum((p - a) * along, axis=1) / np.maximum(np.sum(along**2, axis=1), 1e-18)
    return a + np.clip(share, 0.0, 1.0)[:, None] * along


def test_capsules_are_never_farther_apart_than_meshes(judge):
    qs = np.random.default_rng(5).uniform(-np.pi, np.pi, (2000, 6))
    for pair, apart in capsule_clearances(qs).items():
        clear = np.flatnonzero(apart > 0.0)
        assert judge.first_contact(qs[clear], pair=pair) is None
        for index in clear[np.argsort(apart[clear])[:8]]:  # the closest of them also by the distance itself
            assert judge.smallest(qs[index][None], pair=pair).distance_m >= apart[index] - 1e-6


def test_the_shipped_motion_is_clear_by_capsules():
    way = np.load(Path(__file__).parents[1] / "system" / "golden" / "handwriting_60_10.npz")["arm_q"]
    qs = np.vstack([HOME_Q, way])
    assert min(apart.min() for apart in capsule_clearances(qs).values()) > 0.02
    robot, heights = load_ur3e(), []
    for capsule in robot.bodies.capsules:
        a, b, radius = placed(capsule, *link_frames(robot.chain, qs, [capsule.link])[capsule.link])
        if capsule.link not in robot.bodies.mounted:
            heights.append(np.minimum(a[:, 2], b[:, 2]).min() - radius)
    assert min(heights) > 0.02  # the table is at 0


def capsule_clearances(qs: Array) -> dict[str, Array]:
    """Distances (k,) [m] of the capsules of every pair that is kept apart, at joint positions (k, 6)."""
    robot = load_ur3e()
    frames = link_frames(robot.chain, qs, dict.fromkeys(c.link for c in robot.bodies.capsules))
    capsules = {link: [placed(c, *frames[link]) for c in robot.bodies.of(link)] for link in frames}
    return {
        robot.bodies.pair_name(outer, inner): np.min(
            [capsule_distance(a, b, c, d) - r - s for a, b, r in capsules[outer] for c, d, s in capsules[inner]], axis=0
        )
        for outer, inner in robot.bodies.pairs
    }


def placed(capsule, origin, rotation):
    return origin + rotation @ capsule.a, origin + rotation @ capsule.b, capsule.radius


def test_a_trajectory_is_judged_quickly(judge):
    import time

    way = HOME_Q + 0.3 * np.sin(np.linspace(0.0, 20.0, 1000))[:, None]
    start = time.perf_counter()
    judge.first_contact(way)
    assert time.perf_counter() - start < 1.5


def test_of_a_motion_the_closest_approach_is_found_without_looking_everywhere(judge):
    rng = np.random.default_rng(8)
    for way in range(6):
        t = np.linspace(0.0, 1.0, 300)[:, None]
        waves = rng.uniform(0.2, 1.2, 6) * np.sin(rng.uniform(1, 6, 6) * t + rng.uniform(0, 6, 6))
        qs = HOME_Q + (0.5 if way % 2 else 1.0) * waves
        exact, quick = judge.smallest(qs), judge.closest(qs)
        assert quick.distance_m == pytest.approx(exact.distance_m, abs=1e-9)
        if exact.distance_m > 0.0:
            assert (quick.pair, quick.index) == (exact.pair, exact.index)
    assert judge.closest(qs, below_m=1e-6 + exact.distance_m * 0.5).pair in ("", exact.pair)
