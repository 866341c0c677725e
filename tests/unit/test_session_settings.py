"""Settings, from the command line to the processes: what is refused, in which words, and what arrives."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

import pytest

from teletwin.cli.demo import DemoOptions
from teletwin.cli.files import check_files
from teletwin.cli.options import read_options
from teletwin.cli.run import PORTS, RunOptions, role_settings
from teletwin.clock import SystemClock
from teletwin.errors import ConfigError, RecordingError, TeletwinError
from teletwin.link.udp import UdpLink, UdpLinkCfg
from teletwin.messages import LinkSettings, Note
from teletwin.session.config import HOPS, AllocationCfg, HorizonCfg, NetworkCfg, SessionCfg
from teletwin.session.launch import local_session
from teletwin.session.page_cfg import PageCfg, PageTokens, page_tokens
from teletwin.session.role_cfg import ROLES, RoleCfg, from_json, to_json
from teletwin.session.secret_source import SessionKey
from teletwin.session.wiring import INCOMING, PEERS, RELAYS, apply_link_note, hop_links


def test_every_hop_has_the_common_network_with_its_own_on_top():
    network = NetworkCfg(delay_ms=60, jitter_ms=10, up="delay_ms=80 loss=0.02", state="jitter_ms=1,rate_mbps=5")
    assert network.hop("up") == LinkSettings(delay_ms=80, jitter_ms=10, loss=0.02)
    assert network.hop("down") == LinkSettings(delay_ms=60, jitter_ms=10)
    assert network.hop("state") == LinkSettings(delay_ms=60, jitter_ms=1, rate_mbps=5)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: NetworkCfg(delay_ms=-1), r"delay_ms is out of range; given: -1; allowed: 0 \.\.\. 2000"),
        (lambda: NetworkCfg(loss=1.5), r"loss is out of range; given: 1\.5; allowed: 0 \.\.\. 1"),
        (lambda: NetworkCfg(jitter_ms=float("nan")), r"jitter_ms is out of range; given: nan"),
        (lambda: NetworkCfg(up="delay=3"), r"given: delay=3; allowed: delay_ms=NUMBER"),
        (lambda: NetworkCfg(up="delay_ms=x"), r"given: delay_ms=x"),
        (lambda: NetworkCfg(command="loss=2"), r"hop 'command': loss is out of range"),
        (lambda: HorizonCfg(horizon_control_ms=501), r"horizon_control_ms is out of range; given: 501; .* 500 ms"),
        (lambda: HorizonCfg(horizon_render_orientation_ms=-1), r"horizon_render_orientation_ms is out of range"),
        (lambda: HorizonCfg(policy="magic"), r"given: magic; allowed: fixed, rule"),
        (lambda: SessionCfg(forecaster="magic"), r"given: magic; allowed: hold, linear, .*arma, autoreg"),
        (lambda: SessionCfg(slot_ms=50), r"slot_ms is out of range; given: 50; allowed: 2 \.\.\. 10"),
        (lambda: SessionCfg(servo_gain=50.0), r"gain is outside what servoj takes; given: 50.0; allowed: 100 to 2000"),
        (lambda: SessionCfg(servo_lookahead_s=0.3), r"lookahead_s is outside what servoj takes; given: 0.3"),
        (lambda: SessionCfg(servo_rate_hz=1000), r"servo_rate_hz is out of range; .* 125 \.\.\. 500"),
        (lambda: SessionCfg(silence_ms=500), r"silence_ms is out of range; given: 500; allowed: 30 \.\.\. 100"),
        (lambda: SessionCfg(width=333), r"given: 333x360; allowed: a width divisible by 16"),
        (lambda: SessionCfg(rate_hz=float("nan")), r"rate_hz is out of range; given: nan"),
        (lambda: RoleCfg(role="pilot"), r"unknown role; given: pilot; allowed: operator, twin, renderer, arm"),
        (lambda: DemoOptions(duration=-1.0), r"the duration is negative; given: -1"),
        (lambda: DemoOptions(headless=True), r"needs an end; give --duration SECONDS"),
        (lambda: DemoOptions(report="/"), r"--report names a folder"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_with_what_is_allowed(make, words):
    with pytest.raises(ConfigError, match=words) as refused:
        make()
    assert "\n" not in str(refused.value)


def test_files_are_looked_at_before_anything_starts(tmp_path):
    check_files(hand="handwriting", report=str(tmp_path / "new" / "out.json"), record="")
    (tmp_path / "file").write_text("x")
    for wrong in ({"report": str(tmp_path / "file" / "out.json")}, {"record": str(tmp_path)}):
        with pytest.raises(ConfigError):
            check_files(**({"hand": "handwriting", "report": "", "record": ""} | wrong))
    with pytest.raises(RecordingError, match=re.escape("nowhere.tum")):
        check_files(hand=str(tmp_path / "nowhere.tum"), report="", record="")
    assert not (tmp_path / "new").exists(), "looking changes nothing"


@dataclass(frozen=True, kw_only=True)
class Nested:
    delay_ms: float = 0.0

    def __post_init__(self) -> None:
        if self.delay_ms < 0:
            raise ConfigError("negative", given=self.delay_ms)


@dataclass(frozen=True, kw_only=True)
class Outer:
    nested: Nested = field(default_factory=Nested)
    paper_mode: bool = False


def test_nested_options_need_no_prefix():
    read = read_options(Outer, ["--delay-ms", "7", "--paper-mode"], command="test", description="")
    assert read == Outer(nested=Nested(delay_ms=7.0), paper_mode=True)


@pytest.mark.parametrize(
    ("arguments", "word"), [(["--nonsense"], "--nonsense"), (["--delay-ms", "soon"], "soon"), (["stray"], "stray")]
)
def test_a_wrong_option_is_one_line_that_names_it(arguments, word):
    with pytest.raises(ConfigError) as refused:
        read_options(Outer, arguments, command="test", description="")
    text = str(refused.value)
    assert word in text
    assert "\n" not in text
    assert not re.search("[\u2500-\u257f]", text)
    assert "teletwin test --help lists them" in text


def test_a_refusal_of_the_settings_themselves_comes_through():
    with pytest.raises(TeletwinError, match="negative; given: -1"):
        read_options(Outer, ["--delay-ms", "-1"], command="test", description="")


def test_a_role_is_told_everything_through_one_line_of_json():
    cfg = RoleCfg(
        role="twin",
        session=SessionCfg(
            network=NetworkCfg(delay_ms=60, up="loss=0.1"),
            horizon=HorizonCfg(policy="fixed", horizon_control_ms=120, horizon_render_orientation_ms=90),
            paper_mode=True,
            seed=7,
        ),
        addresses={"operator": ("127.0.0.1", 5), "twin": None},
        session_id=2**63 + 5,
        key="ab" * 16,
        page=PageCfg(port=1234, token_file="a b.txt"),
        page_tokens=PageTokens(token="secret", admin_token="other"),
        record="a b.mcap",
    )
    text = to_json(cfg)
    assert "\n" not in text
    assert from_json(text) == cfg


def test_a_session_on_this_machine_has_one_secret_and_a_free_port_for_each_role():
    roles = local_session(RoleCfg(role="operator"))
    assert set(roles) == set(ROLES)
    assert len({cfg.session_id for cfg in roles.values()}) == 1
    assert roles["arm"].session_id != local_session(RoleCfg(role="operator"))["arm"].session_id
    ports = [address[1] for address in roles["twin"].addresses.values() if address]
    assert len(set(ports)) == len(ROLES)
    assert all(cfg.addresses == roles["twin"].addresses and cfg.role == name for name, cfg in roles.items())


def test_every_hop_is_wired_once_and_both_ends_know_each_other():
    hops = [hop for incoming in INCOMING.values() for hop in incoming.values()]
    assert set(hops) == set(HOPS)
    for role, incoming in INCOMING.items():
        assert set(incoming) <= set(PEERS[role]) | set(RELAYS.get(role, {}))
    for role, peers in PEERS.items():
        assert all(role in PEERS[peer] for peer in peers)
    network = NetworkCfg(delay_ms=10, command="delay_ms=1")
    assert hop_links("arm", network) == {"twin": network.hop("command")}


def test_the_pages_sliders_reach_every_incoming_hop():
    told = {}

    class Link:
        def set_link(self, peer, settings):
            told[peer] = settings

    apply_link_note(Link(), "twin", Note(kind="link", values={"delay_ms": 40.0, "loss": 0.1}))
    assert told == {peer: LinkSettings(delay_ms=40.0, loss=0.1) for peer in INCOMING["twin"]}


KEY = SessionKey(session_id=7, key="ab" * 32)


def run_options(**change):
    return replace(RunOptions(role="twin"), **change)


def test_each_role_listens_where_told_and_finds_the_others():
    options = run_options(bind="10.0.0.2", operator="10.0.0.1", arm="learn")
    twin = role_settings(options, "twin", KEY).addresses
    assert twin["twin"] == ("10.0.0.2", PORTS["twin"])
    assert twin["operator"] == ("10.0.0.1", PORTS["operator"])
    assert twin["arm"] is None
    assert twin["renderer"] == ("10.0.0.2", PORTS["renderer"])


@pytest.mark.parametrize("values", [{"delay_ms": "soon"}, {"loss": 3.0}, {"jitter_ms": None}, {"rate_mbps": -1}])
def test_a_network_that_cannot_be_imitated_changes_nothing_and_ends_nobody(values):
    with UdpLink(UdpLinkCfg(role="twin"), SystemClock()) as link:
        apply_link_note(link, "twin", Note(kind="link", values=values))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "::1"])
def test_a_page_on_loopback_needs_no_token(host):
    assert page_tokens(PageCfg(host=host)) == PageTokens()


def test_a_page_that_others_can_reach_is_given_tokens_unless_a_file_or_the_environment_has_one(tmp_path, monkeypatch):
    made = [page_tokens(PageCfg(host="0.0.0.0")) for _ in range(2)]
    secrets = {tokens.token for tokens in made} | {tokens.admin_token for tokens in made}
    assert len(secrets) == 4, "others each time"
    assert min(map(len, secrets)) >= 16
    (tmp_path / "token").write_text("my-own-long-enough\n")
    with pytest.raises(ConfigError, match="others can read the page's token"):
        page_tokens(PageCfg(token_file=str(tmp_path / "token")))
    (tmp_path / "token").chmod(0o600)
    told = page_tokens(PageCfg(token_file=str(tmp_path / "token")))
    assert told.token == "my-own-long-enough"
    assert told.admin_link("http://h:1/?token=my-own-long-enough") == f"http://h:1/?token={told.admin_token}"
    monkeypatch.setenv("TELETWIN_PAGE_TOKEN", "from-the-environment")
    assert page_tokens(PageCfg()).token == "from-the-environment"
    monkeypatch.setenv("TELETWIN_PAGE_TOKEN", "aaaaaaaaaaaaaaaaaaaa")
    with pytest.raises(ConfigError, match="too weak") as refused:
        page_tokens(PageCfg())
    assert "aaaa" not in str(refused.value)
    with pytest.raises(ConfigError, match="cannot be read"):
        page_tokens(PageCfg(token_file=str(tmp_path / "none")))


@pytest.mark.parametrize("option", ["--token", "--token=0123456789abcdefgh", "--page.token", "--admin_token"])
def test_a_token_on_the_command_line_is_refused_and_not_repeated(option):
    with pytest.raises(ConfigError, match="token-file FILE") as refused:
        read_options(RunOptions, ["--role", "operator", option, "0123456789abcdefgh"], command="run", description="")
    assert "0123" not in str(refused.value)


@pytest.mark.parametrize(
    "change",
    [
        {"allocator": "fair"},
        {"link_share": 1.5},
        {"compute_share": 0.0},
        {"compute_share": float("nan")},
        {"bandwidth_mbps": -1.0},
    ],
)
def test_shares_and_squeezes_that_cannot_be_are_refused(change):
    with pytest.raises(ConfigError):
        AllocationCfg(**change)


def test_the_path_of_a_policy_file_names_the_learned_allocator_and_crosses_to_the_roles():
    session = SessionCfg(allocation=AllocationCfg(allocator="runs/mine.npz", bandwidth_mbps=8.0))
    assert (session.allocation.allocator, session.allocation.allocator_file) == ("ppo", "runs/mine.npz")
    assert from_json(to_json(RoleCfg(role="renderer", session=session))).session == session
