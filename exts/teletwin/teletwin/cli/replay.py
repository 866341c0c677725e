"""`teletwin replay`: a recorded session again, or its hand with other settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import tyro

from teletwin.cli.options import read_options
from teletwin.clock import utc_text
from teletwin.errors import ConfigError, RecordingError
from teletwin.forecast.person_file import known_person
from teletwin.recording import SessionRecording, read_logs
from teletwin.session.config import NetworkCfg
from teletwin.session.policies import check_policy

_DESCRIPTION = """A recorded session again: the same commands, or its hand with other settings.

Without --policy, --forecaster and the network's options the commands of the twin are made once more and compared: of a
session on the virtual clock by running it again, of a live one by driving the control function with what the twin's
log says that it received. With any of them the recorded hand goes through the whole loop on the virtual clock, with
the recorded settings and with each combination."""


@dataclass(frozen=True, kw_only=True)
class ReplayOptions:
    """Options of `teletwin replay`."""

    log: tyro.conf.Positional[str]
    """The operator's log of a session (.mcap), those of the other roles beside it; or the twin's alone."""
    policy: tuple[str, ...] = ()
    """Horizon policies to compare: rule, fixed, learned, or policy files (.npz)."""
    forecaster: tuple[str, ...] = ()
    """Forecasters to compare."""
    person: str = ""
    """Start forecasters that learn from what is kept of a person; nothing is added to it."""
    horizon_ms: float | None = None
    """Horizon of arm and picture under the policy 'fixed'; the recorded ones when not given [ms]."""
    delay_ms: tuple[float, ...] = ()
    """One-way delays of every hop to compare [ms]."""
    jitter_ms: float | None = None
    """Jitter of every hop, where another network is imitated [ms]."""
    loss: float | None = None
    """Share of packets lost."""
    up: str | None = None
    """Operator to twin alone, for example 'delay_ms=80 loss=0.02'; the same for down, command, state."""
    down: str | None = None
    """Twin to operator alone."""
    command: str | None = None
    """Twin to arm alone."""
    state: str | None = None
    """Arm to twin alone."""
    paper_mode: bool = False
    """Compare the last of the settings in paper A's plain form as well."""
    out: str = "replay"
    """Folder for the picture of a comparison."""
    report: str = ""
    """Write what was measured to this JSON file."""

    def __post_init__(self) -> None:
        """Refuse what would change nothing."""
        if self.horizon_ms is not None and "fixed" not in self.policy:
            raise ConfigError(
                "--horizon-ms is for the policy 'fixed'", given=self.horizon_ms, mend="add --policy fixed"
            )
        if self.person:
            known_person(self.person)

    @property
    def compares(self) -> bool:
        """Whether something shall be changed."""
        return bool(self.policy or self.forecaster or self.person or self.networks()[0] or self.paper_mode)

    def networks(self) -> list[dict[str, float | str]]:
        """Changes of the network, one for each delay."""
        names = {field.name for field in fields(NetworkCfg)} - {"delay_ms"}
        given = {name: getattr(self, name, None) for name in names}
        common = {name: value for name, value in sorted(given.items()) if value is not None}
        return [{"delay_ms": delay_ms, **common} for delay_ms in self.delay_ms] or [common]


def main(arguments: list[str]) -> int:
    """Replay one session; 0 when the commands came again as they were, or everything was compared."""
    options = read_options(ReplayOptions, arguments, command="replay", description=_DESCRIPTION)
    logs = {log.role: log for log in read_logs(options.log)}
    return _compare(options, logs) if options.compares else _again(options, logs)


def _again(options: ReplayOptions, logs: Mapping[str, SessionRecording]) -> int:
    """The same commands once more."""
    from teletwin.session.replay import replay_control, replay_virtual
    from teletwin.session.replay.again import is_virtual

    twin = _log_of(logs, "twin", options.log)
    with _progress("replaying") as progress:
        if is_virtual(twin) and "operator" in logs:
            way, difference = (
                "the whole loop on the virtual clock",
                replay_virtual(logs["operator"], twin, progress=progress),
            )
        else:
            way, difference = "the control function, by the twin's log", replay_control(twin, progress=progress)
    print(f"replayed: {way}")
    print(f"commands: {difference.recorded_count} recorded, {difference.equal_count} the same bit for bit")
    if not difference.is_exact:
        print(
            f"largest difference: {difference.position_max_rad:.3g} rad, {difference.speed_max_rad_s:.3g} rad/s, "
            f"first after {difference.first_unequal_s or 0.0:.3f} s; {difference.mode_count} ask for another mode"
        )
        if not _begins_with_session(twin):
            print("note: this log begins within a session: what had gone before is not known to the replay")
    if not twin.complete:
        print(f"note: {twin.path} ends too early (killed while recording?); what came before is replayed")
    _write_report(options, asdict(difference) | {"is_exact": difference.is_exact, "way": way})
    return 0 if difference.is_exact else 1


def _begins_with_session(twin: SessionRecording) -> bool:
    first = min(twin.on_topic("/twin/JointCommand"), key=lambda each: each.place)
    return first.values["pose_t_ns"] == 0


def _compare(options: ReplayOptions, logs: Mapping[str, SessionRecording]) -> int:
    """The recorded hand with other settings."""
    from teletwin.report.replay import draw_variants, variants_table
    from teletwin.report.text_table import show_table
    from teletwin.session.replay import recorded_settings, run_variant, variants

    operator = _log_of(logs, "operator", options.log)
    chosen = variants(
        recorded_settings(operator),
        policies=options.policy,
        forecasters=options.forecaster,
        horizon_ms=options.horizon_ms,
        networks=options.networks(),
        paper_mode=options.paper_mode,
    )
    for each in chosen:
        check_policy(each.session.horizon)
    results: dict[str, Any] = {}
    with _progress("replaying") as progress:
        for number, each in enumerate(chosen):
            results[each.name] = run_variant(
                each,
                operator,
                person=options.person,
                progress=lambda share, k=number: progress((k + share) / len(chosen)),
            )
    show_table(variants_table(results))
    picture = draw_variants(Path(options.out) / "errors.png", results)
    print(f"picture: {picture}")
    _write_report(options, {"variants": results})
    return 0


def _log_of(logs: Mapping[str, SessionRecording], role: str, path: str) -> SessionRecording:
    if role not in logs:
        raise RecordingError(f"the {role}'s log is not there", given=path, mend=f"found: {', '.join(logs)}")
    return logs[role]


def _write_report(options: ReplayOptions, results: Mapping[str, object]) -> None:
    if not options.report:
        return
    from teletwin.report import build_report, write_report

    now = utc_text()
    document = build_report("replay", results=results, configuration=options, seed=None, created_utc=now)
    write_report(document, options.report)


@contextmanager
def _progress(what: str) -> Iterator[Callable[[float], None]]:
    """A bar that is told the share that is done."""
    from rich.progress import Progress

    with Progress(transient=True) as bar:
        task = bar.add_task(what, total=1.0)
        yield lambda share: bar.update(task, completed=share)
