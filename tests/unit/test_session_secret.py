"""Where the session's secret comes from, and which secrets are refused."""

from __future__ import annotations

import os

import pytest

from teletwin.cli import main
from teletwin.errors import ConfigError
from teletwin.link.secret import check_secret, derived_key, estimated_bits, generated_secret, session_number
from teletwin.session.secret_source import VARIABLE, read_secret, session_key

GOOD = "fs9vKpW3qZ-Xr7TtB2nM_8cL"
WEAK = [
    *("", "short", "a" * 64, "abc" * 20, "password" * 5, "Password1234567890!", "qwertyuiopasdfghjklzxcvbnm"),
    *("abcdefghijklmnopqrstuvwxyz0123456789", "correct horse battery staple", "2026-11-30 20:15:33 secret"),
    "x" * 5000,
]


@pytest.mark.parametrize("secret", WEAK)
def test_what_can_be_guessed_is_refused_and_a_better_one_offered(secret):
    with pytest.raises(ConfigError, match="too weak") as refusal:
        check_secret(secret)
    assert not secret or secret not in str(refusal.value), "the refused one is nobody's business"
    offered = str(refusal.value).rpartition(" ")[2]
    assert check_secret(offered) == offered


def test_what_cannot_be_guessed_is_taken():
    for secret in (GOOD, "marble orbit candle swift hazel tunnel piano grape", "6f1c02d95ab3e87d41c9a0fb7e62d358"):
        assert check_secret(secret) == secret
    made = {generated_secret() for _ in range(200)}
    assert len(made) == 200
    assert min(map(estimated_bits, made)) >= 80.0
    assert not any(each.startswith("-") for each in made)


def test_roles_agree_on_a_key_by_secret_and_name_and_the_number_tells_nothing_of_the_secret():
    one, again, other, named = (
        session_key(name=name, environment={VARIABLE: secret})
        for name, secret in (("teletwin", GOOD), ("teletwin", GOOD), ("teletwin", GOOD + "x"), ("lab", GOOD))
    )
    assert one == again
    assert len({one.key, other.key, named.key}) == 3
    assert one.session_id == other.session_id == session_number("teletwin")
    assert named.session_id != one.session_id


def test_a_file_comes_before_the_environment_and_the_person_last(tmp_path):
    file = tmp_path / "secret"
    file.touch(mode=0o600)
    file.write_text(f"  {GOOD}\n")
    asked = []

    def key(**change):
        return session_key(prompt=lambda text: asked.append(text) or GOOD + "2", **change).key

    of_file = derived_key(GOOD, name="teletwin").hex()
    assert key(file=str(file), environment={VARIABLE: GOOD + "1"}, ask=True) == of_file
    assert key(environment={VARIABLE: GOOD + "1"}, ask=True) == derived_key(GOOD + "1", name="teletwin").hex()
    assert asked == []
    assert key(environment={}, ask=True) == derived_key(GOOD + "2", name="teletwin").hex()
    assert len(asked) == 1
    assert key(environment={}) == ""


@pytest.mark.skipif(os.name != "posix", reason="modes of files are a matter of POSIX")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666])
def test_a_file_that_others_can_read_is_refused(tmp_path, mode):
    file = tmp_path / "secret"
    file.write_text(GOOD)
    file.chmod(mode)
    with pytest.raises(ConfigError, match=r"others can read.*chmod 600"):
        read_secret(file)


def test_a_file_without_a_secret_is_one_clear_line(tmp_path):
    for name, content in (("empty", b" \n"), ("binary", b"\xff\xfe\x00")):
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ConfigError, match="secret"):
            read_secret(tmp_path / name)
    for missing in (tmp_path / "none", tmp_path):
        with pytest.raises(ConfigError, match="cannot be read"):
            read_secret(missing)


def test_the_command_prints_one_and_the_old_option_says_what_to_use(capsys):
    assert main(["secret"]) == 0
    assert check_secret(capsys.readouterr().out.strip())
    assert main(["run", "--role", "arm", "--session-token", "hush hush hush hush"]) == 2
    told = capsys.readouterr().err
    assert "--session-secret-file" in told
    assert "hush" not in told


def test_where_nobody_can_be_asked_is_one_clear_line():
    def nobody(text):
        raise EOFError

    with pytest.raises(ConfigError, match="nobody could be asked"):
        session_key(environment={}, ask=True, prompt=nobody)
