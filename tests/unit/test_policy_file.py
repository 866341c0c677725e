"""A policy's file: what is read back acts bit for bit alike, and what cannot be used is refused in one line."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import re
import zipfile

import numpy as np
import pytest

from teletwin.errors import ConfigError
from teletwin.horizon.action import ACTION_COUNTS, ActionLimits, horizons_of
from teletwin.horizon.actor import Actor
from teletwin.horizon.observation import observation_names
from teletwin.horizon.policy_file import LARGEST_BYTES, PolicyFile, load_policy, save_policy
from teletwin.horizon.rule import RuleCfg
from teletwin.messages import HORIZON_MAX_S, Horizons

RULE = Horizons(control_s=0.13, render_s=0.09, control_orientation_s=0.33, render_orientation_s=0.29)


def taught(observation: str = "rich", action: str = "sender") -> PolicyFile:
    rng, count = np.random.default_rng(7), len(observation_names(observation))
    sizes = (count, 64, 64, ACTION_COUNTS[action])
    layers = [(rng.normal(size=pair) / 8, rng.normal(size=pair[1])) for pair in itertools.pairwise(sizes)]
    layers[0] = (np.asfortranarray(layers[0][0]), layers[0][1].astype(np.float32))
    return PolicyFile(
        observation=observation,
        action=action,
        limits=ActionLimits(correction_s=0.05, gain_least=0.5),
        rule=RuleCfg(late_binding=False, averaging_s=0.7),
        mean=rng.normal(size=count),
        scale=rng.uniform(0.5, 2.0, size=count),
        layers=tuple(layers),
        note={"command": "teletwin train", "step": "rule", "paper_mode": False, "seed": 3},
    )


def rewritten(path, change):
    """The file with its entries changed."""
    with np.load(path) as kept:
        entries = {name: kept[name] for name in kept.files}
    meta = json.loads(entries["meta"].tobytes())
    change(entries, meta)
    entries["meta"] = np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8)
    np.savez(path, **entries)
    return path


def plain(observation, policy):
    """The network as its description says."""
    value = np.clip((observation - policy.mean) / policy.scale, -5.0, 5.0)
    for weights, biases in policy.layers[:-1]:
        value = value @ weights + biases
        value = np.where(value > 0.0, value, np.exp(np.minimum(value, 0.0)) - 1.0)
    return np.clip(value @ policy.layers[-1][0] + policy.layers[-1][1], -1.0, 1.0)


@pytest.mark.parametrize("action", sorted(ACTION_COUNTS))
@pytest.mark.parametrize("observation", ["rich", "paper"])
def test_what_is_read_back_acts_bit_for_bit_alike(tmp_path, observation, action):
    policy = taught(observation, action)
    again = load_policy(save_policy(tmp_path / "new folder" / "policy.npz", policy))
    for name in ("observation", "action", "limits", "rule", "activation", "note"):
        assert getattr(again, name) == getattr(policy, name)
    rng, first, second = np.random.default_rng(8), Actor(policy), Actor(again)
    for seen in 3.0 * rng.normal(size=(50, len(policy.mean))):
        assert np.array_equal(first.act(seen), second.act(seen))
    assert [path.name for path in (tmp_path / "new folder").iterdir()] == ["policy.npz"]


def test_one_policy_makes_one_file(tmp_path):
    paths = [save_policy(tmp_path / name, taught()) for name in ("a.npz", "b.npz")]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_the_network_is_the_one_described():
    policy = taught()
    actor, rng = Actor(policy), np.random.default_rng(9)
    for seen in 4.0 * rng.normal(size=(50, len(policy.mean))):
        assert actor.act(seen) == pytest.approx(plain(seen, policy), abs=1e-12)


def test_an_action_belongs_to_who_asked_for_it():
    actor, count = Actor(taught()), len(taught().mean)
    first = actor.act(np.zeros(count))
    kept = first.copy()
    actor.act(np.ones(count))
    assert np.array_equal(first, kept)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda entries, meta: meta.update(format="else"), r"is no horizon policy; given: .* \(of another format\)"),
        (lambda entries, meta: meta.update(version=2), r"file format has another version; given: 2 in .*; allowed: 1;"),
        (
            lambda entries, meta: meta.update(observation_version=0),
            r"sees other features; given: version 0 in .*; allowed: version 1, 41 features log_speed_20ms \.\.\. up",
        ),
        (lambda entries, meta: meta["observation_names"].reverse(), r"sees other features; .* train it again"),
        (lambda entries, meta: meta.update(observation="poor"), r"no observation has this name; given: poor"),
        (lambda entries, meta: meta.update(observation=[1]), r"no observation has this name; given: \[1\]"),
        (lambda entries, meta: meta.update(action="fly"), r"no action has this name; given: fly"),
        (lambda entries, meta: meta.update(activation="relu"), r"activation is unknown; given: relu; allowed: elu"),
        (lambda entries, meta: meta.update(layers=2), r"shapes do not fit; given: \(41,\).* allowed: 41 .* to 5"),
        (lambda entries, meta: meta.update(layers=0), r"shapes do not fit"),
        (lambda entries, meta: meta.update(layers=4), r"is no horizon policy; .*weights_3"),
        (lambda entries, meta: meta.update(layers="x"), r"is no horizon policy"),
        (lambda entries, meta: meta["limits"].update(gain_most=9.0), r"gain_most .* given: 9.0; allowed: 1 \.\.\. 1.3"),
        (lambda entries, meta: meta["limits"].update(reach=1.0), r"is no horizon policy; .*reach"),
        (lambda entries, meta: meta["rule"].update(averaging_s="long"), r"is no horizon policy; .*long"),
        (lambda entries, meta: meta["rule"].update(averaging_s=-1), r"averaging_s of the rule .* given: -1"),
        (lambda entries, meta: meta.update(rule=[1]), r"is no horizon policy"),
        (lambda entries, meta: meta.update(note=3), r"is no horizon policy"),
        (lambda entries, meta: meta.pop("limits"), r"is no horizon policy; .*limits"),
        (lambda entries, meta: entries.pop("scale"), r"is no horizon policy; .*scale"),
        (lambda entries, meta: entries["mean"].fill(np.nan), r"numbers cannot be used; given: not finite"),
        (lambda entries, meta: entries["scale"].fill(0.0), r"numbers cannot be used; .*positive"),
        (lambda entries, meta: entries.update(mean=np.zeros(3)), r"shapes do not fit; given: \(3,\)"),
        (lambda entries, meta: entries.update(biases_1=np.zeros((64, 1))), r"shapes do not fit"),
        (lambda entries, meta: entries.update(weights_1=np.zeros(())), r"shapes do not fit"),
        (lambda entries, meta: entries.update(biases_0=np.array(["x"])), r"is no horizon policy"),
        (lambda entries, meta: entries.update(more=np.zeros(LARGEST_BYTES)), r"too large; .* allowed: 8 MiB"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_one_line(tmp_path, change, words):
    path = rewritten(save_policy(tmp_path / "policy.npz", taught()), change)
    with pytest.raises(ConfigError, match=words) as refused:
        load_policy(path)
    assert "\n" not in str(refused.value)
    assert str(path) in str(refused.value)


def test_a_file_that_is_none_is_refused_in_one_line(tmp_path):
    path = tmp_path / "policy.npz"
    with pytest.raises(ConfigError, match=r"the policy is not there; given: .*policy.npz; allowed: a file"):
        load_policy(path)
    with pytest.raises(ConfigError, match="the policy is not there"):
        load_policy(tmp_path)
    for data in (b"", b"PK\x05\x06", b"\x93NUMPY\x01\x00", b"no policy at all", bytes(1000)):
        path.write_bytes(data)
        with pytest.raises(ConfigError, match="is no horizon policy"):
            load_policy(path)
    np.savez(path, other=np.zeros(3))
    with pytest.raises(ConfigError, match=r"without a description of itself\); allowed: an .npz file"):
        load_policy(path)
    with path.open("wb") as stream:
        stream.truncate(LARGEST_BYTES + 1)
    with pytest.raises(ConfigError, match=r"too large; given: .* with 8.0 MiB"):
        load_policy(path)


def test_a_torn_or_changed_file_never_comes_through_half(tmp_path):
    path = save_policy(tmp_path / "policy.npz", taught())
    whole, rng = path.read_bytes(), np.random.default_rng(3)
    for end in rng.integers(0, len(whole) - 1, size=20):
        path.write_bytes(whole[:end])
        with pytest.raises(ConfigError):
            load_policy(path)
    for at in rng.integers(0, len(whole) - 1, size=60):
        torn = bytearray(whole)
        torn[at] ^= 0xFF
        path.write_bytes(torn)
        with contextlib.suppress(ConfigError):  # a change in the archive's own dates and the like does no harm
            load_policy(path)


def test_a_packed_file_of_zeros_cannot_fill_the_memory(tmp_path):
    path = tmp_path / "policy.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("mean.npy", bytes(64 * 2**20))
    with pytest.raises(ConfigError, match=r"too large; given: .* with 64.0 MiB"):
        load_policy(path)


def test_pickles_are_not_opened(tmp_path):
    path = tmp_path / "policy.npz"
    np.savez(path, meta=np.array([{"format": "teletwin-horizon-policy"}], dtype=object))
    with pytest.raises(ConfigError, match=r"is no horizon policy; .*allow_pickle"):
        load_policy(path)


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match=r"the policy cannot be written; given: .*file/policy.npz"):
        save_policy(tmp_path / "file" / "policy.npz", taught())


@pytest.mark.parametrize("kind", ["late", "sender"])
def test_no_action_is_exactly_the_rule(kind):
    base = dataclasses.replace(RULE, late_binding_control=kind == "late", late_binding_render=kind == "late")
    assert horizons_of(np.zeros(5), kind=kind, limits=ActionLimits(), base=base) == base


def test_corrections_go_as_far_as_the_limits_and_no_further():
    limits = ActionLimits(correction_s=0.1, orientation_correction_s=0.15)
    most = horizons_of(np.full(5, 7.0), kind="late", limits=limits, base=Horizons())
    assert (most.control_s, most.render_s, most.control_orientation_s, most.gain) == pytest.approx(
        (0.1, 0.1, 0.15, 1.3)
    )
    least = horizons_of(np.full(5, -7.0), kind="late", limits=limits, base=Horizons())
    assert (least.control_s, least.render_orientation_s, least.gain) == pytest.approx((-0.1, -0.15, 0.25))
    near = horizons_of(np.full(5, -1.0), kind="sender", limits=limits, base=RULE)
    assert (near.control_s, near.render_s) == (pytest.approx(0.03), 0.0)
    assert not near.late_binding_control
    assert not near.late_binding_render
    half = horizons_of(np.array([0.0, 0.0, -0.5, 0.0, 0.0]), kind="late", limits=limits, base=Horizons())
    assert half.gain == pytest.approx(0.625)


def test_an_action_that_is_no_number_is_none():
    assert horizons_of(np.full(5, np.nan), kind="late", limits=ActionLimits(), base=RULE) == RULE


def test_the_papers_action_covers_all_horizons():
    def chosen(*action):
        horizons = horizons_of(np.array(action), kind="paper", limits=ActionLimits(), base=RULE)
        assert (horizons.gain, horizons.late_binding_control, horizons.late_binding_render) == (1.0, False, False)
        assert horizons.control_orientation_s == horizons.control_s
        assert horizons.render_orientation_s == horizons.render_s
        return horizons.control_s, horizons.render_s

    assert chosen(-1.0, 1.0) == (0.0, HORIZON_MAX_S)
    assert chosen(9.0, -9.0) == (HORIZON_MAX_S, 0.0)
    assert chosen(0.0, 0.5) == pytest.approx((0.25, 0.375))


@pytest.mark.parametrize("name", ["correction_s", "orientation_correction_s", "gain_least", "gain_most"])
@pytest.mark.parametrize("bad", [-0.1, 1.4, float("nan")])
def test_limits_out_of_range_are_refused(name, bad):
    with pytest.raises(ConfigError, match=re.escape(f"{name} of the actions is out of range; given: {bad}")):
        ActionLimits(**{name: bad})
