"""People made up who close the loop: they follow a dot with the tool that a delayed, forecast view shows them.

They stand in for a person in step 2 of the training. Persons never know of each other: a row's person and noise
depend on the seed, the row and how often the row was reset, not on how many rows there are.
"""

from __future__ import annotations

from teletwin_training.horizon.person.cfg import PersonCfg
from teletwin_training.horizon.person.simulated import SimulatedPersons

__all__ = ["PersonCfg", "SimulatedPersons"]
