"""MetaLore's environments under names of the official form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from teletwin.errors import ConfigError

if TYPE_CHECKING:
    from teletwin_training.allocation.faces.official_cells import OfficialCells
    from teletwin_training.faces import GymnasiumEnv, GymnasiumVectorEnv

ALLOCATION_IDS = {
    "metalore-single_cell-smart_city-default-v0": "default",
    "metalore-single_cell-smart_city-small-v0": "small",
    "metalore-single_cell-smart_city-large-v0": "large",
    "metalore-multi_cell-smart_city-default-v0": "multi",
    "metalore-single_cell-smart_city-mobile_sensor-v0": "mobile_sensor",
    "metalore-single_cell-smart_city-paper-v0": "paper",
}
"""Name -> scenario; the official simulator registers the first four itself."""


def register_allocation(namespace: str = "") -> tuple[str, ...]:
    """Make gymnasium know the environments; calling it again changes nothing.

    Args:
        namespace: In front of the names, "teletwin" makes "teletwin/metalore-..." of them.

    Returns:
        The ids, in the order of ALLOCATION_IDS.

    Raises:
        ConfigError: Another package has registered one of the names; none is changed then.
    """
    import gymnasium

    ids = {f"{namespace}/{name}" if namespace else name: chosen for name, chosen in ALLOCATION_IDS.items()}
    for name in ids:
        if name in gymnasium.registry and gymnasium.registry[name].entry_point is not make_single:
            raise ConfigError(
                "another package has registered this environment", given=name, mend='give namespace="teletwin"'
            )
    for name, chosen in ids.items():
        if name not in gymnasium.registry:
            told = {"name": chosen}
            gymnasium.register(name, entry_point=make_single, vector_entry_point=make_vector, kwargs=told)
    return tuple(ids)


def make_single(*, name: str, **settings: Any) -> GymnasiumEnv:
    """One environment; settings as for `make_official`."""
    from teletwin_training.faces.gymnasium_single import GymnasiumEnv

    return GymnasiumEnv(make_official(name, envs=1, **settings))


def make_vector(*, num_envs: int, name: str, **settings: Any) -> GymnasiumVectorEnv:
    """Many environments in one; settings as for `make_official`."""
    from teletwin_training.faces.gymnasium_vector import GymnasiumVectorEnv

    return GymnasiumVectorEnv(make_official(name, envs=num_envs, **settings))


def make_official(
    name: str,
    *,
    envs: int = 1,
    seed: int = 999,
    stream: str = "own",
    device: str = "cpu",
    threads: int = 0,
    compat: str = "official",
    **changes: Any,
) -> OfficialCells:
    """Cells of a scenario with actions and observations of the official simulator.

    Args:
        name: See `scenarios.SCENARIOS`.
        envs: See `OfficialCells`, as for seed, stream, device and threads.
        seed: Until one is given to `reset`.
        stream: 'own', or 'numpy' for the official numbers.
        device: "cpu" or "cuda:0".
        threads: On the CPU.
        compat: See `scenarios.scenario`.
        changes: Fields of `Scenario`: scheduler, admission, traffic, objective...

    Raises:
        ConfigError: There is no such scenario or setting.
    """
    from teletwin_training.allocation.faces.official_cells import OfficialCells
    from teletwin_training.allocation.scenarios import scenario

    setting = scenario(name, compat=compat, **changes)
    return OfficialCells(setting, envs=envs, seed=seed, stream=stream, device=device, threads=threads)
