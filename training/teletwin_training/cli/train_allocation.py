"""`teletwin train allocation`: PPO in MetaLore's cells, on top of the backlog rule or alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from teletwin.cli.options import read_options
from teletwin.clock import utc_text
from teletwin.errors import ConfigError

_DESCRIPTION = """Teach an allocator in thousands of MetaLore's cells, by PPO.

With several scenarios one policy learns in all of them side by side."""


@dataclass(frozen=True, kw_only=True)
class TrainAllocationOptions:
    """Options of `teletwin train allocation`."""

    scenario: str = "paper"
    """Scenarios with commas between, or 'all'."""
    compat: str = "official"
    """'official', or 'paper': jobs and compute of the code of the paper's time."""
    reward: str = "metalore"
    """'metalore' or 'deadline'."""
    admission: bool = False
    """Drop superseded work."""
    scheduler: str = "equal"
    """Within a class: 'equal' or 'backlog'."""
    observation: str = "full"
    """'full' (16 features) or 'queues' (MetaLore's two queue lengths)."""
    base: str = "rule"
    """What actions are: 'rule' (corrections of the backlog rule) or 'none' (the shares)."""
    tune: bool = True
    """Begin with the rule's weights tuned for the scenario, or with the best static split under --base none."""
    span: float = 1.5
    """How far an action of 1 moves the logit of the rule's share."""
    envs: int = 512
    """Parallel cells."""
    seconds: float = 300.0
    """Learn for so long [s]."""
    epochs: int = 100_000
    """And for at most so many epochs, each an episode in every cell."""
    device: str = "cpu"
    """'cpu' or 'cuda:0'."""
    seed: int = 0
    """Of weights, exploration and cells."""
    out: str = "runs/allocation"
    """Folder of the run: policy.npz, checkpoint, configuration and metrics."""

    def __post_init__(self) -> None:
        if not 1.0 <= self.seconds <= 86_400.0:
            raise ConfigError("--seconds is out of range", given=self.seconds, allowed="1 ... 86400 s")
        if not 1 <= self.envs <= 1_000_000:
            raise ConfigError("--envs is out of range", given=self.envs, allowed="1 ... 1000000")


def main(arguments: list[str]) -> int:
    """Learn; 0 when a policy was written."""
    return run(read_options(TrainAllocationOptions, arguments, command="train allocation", description=_DESCRIPTION))


def run(options: TrainAllocationOptions) -> int:
    """Tune what PPO begins with, learn, save."""
    from rich.console import Console

    from teletwin.allocation.policy_file import save_allocation_policy
    from teletwin_training.allocation.learning import ppo_cfg
    from teletwin_training.allocation.scenario import with_reward
    from teletwin_training.beforehand import check_device, check_no_training
    from teletwin_training.cli.evaluate_allocation import chosen_scenarios
    from teletwin_training.ppo import require_rl_games
    from teletwin_training.run_folder import open_run

    require_rl_games()
    check_device(options.device)
    check_no_training(options.out, mend="give another folder")
    scenarios = [
        with_reward(each, options.reward)
        for each in chosen_scenarios(
            options.scenario, compat=options.compat, admission=options.admission, scheduler=options.scheduler
        )
    ]
    utc = utc_text()
    console = Console()
    with console.status("what PPO begins with") as status:
        folder = open_run(options.out, "allocation", options, options.seed, created_utc=utc)
        steps = max(each.steps for each in scenarios)

        def tell(facts: Any) -> None:
            text = f"epoch {facts.epoch}, {facts.took_s:.0f} s, {facts.steps_per_s:,.0f} steps/s"
            status.update(f"{text}, reward of an episode {facts.reward * steps:+.0f} over what it began with")

        cfg = ppo_cfg(envs=options.envs, epochs=options.epochs, seed=options.seed, steps=steps, device=options.device)
        told_facts = {name: fact for name, fact in folder.facts.items() if name != "machine"}  # nobody's business
        note: dict[str, object] = {**told_facts, "scenarios": options.scenario, "reward": options.reward}
        learned = _learn(options, scenarios, cfg, folder=folder.ppo_path, note=note, on_epoch=tell)
    save_allocation_policy(folder.policy_path, learned.policy)
    folder.write_metrics({"took_s": learned.took_s, "reward_by_epoch": learned.rewards})
    console.print(f"{len(learned.rewards)} epochs in {learned.took_s:.0f} s; policy: {folder.policy_path}")
    return 0


def _learn(options: TrainAllocationOptions, scenarios: list[Any], cfg: Any, **how: Any) -> Any:
    """One scenario from the tuned rule or the best static split on, several from the rule as it is."""
    from teletwin.allocation.backlog import BacklogAllocator, BacklogCfg
    from teletwin_training.allocation.enumeration import enumerate_static
    from teletwin_training.allocation.environment import AllocationEnv, AllocationEnvCfg
    from teletwin_training.allocation.learning import learn, learn_from_best
    from teletwin_training.allocation.tuning import tune_rule

    seeds, tunes = range(64), options.tune and len(scenarios) == 1
    best = enumerate_static(scenarios[0], seeds).best if tunes else (0.5, 0.5)
    rule = tune_rule(scenarios[0], seeds, seed=options.seed, usual=best).rule if tunes else BacklogCfg()
    env_cfg = AllocationEnvCfg(
        envs=options.envs,
        seed=options.seed,
        observation=options.observation,
        base=options.base,
        span=options.span,
        rule=rule,
        device=options.device,
    )
    if tunes:
        return learn_from_best(scenarios[0], env_cfg, best, cfg, seconds=options.seconds, **how)
    env = AllocationEnv(scenarios, env_cfg, reference=BacklogAllocator(rule))
    return learn(env, cfg, seconds=options.seconds, **how)
