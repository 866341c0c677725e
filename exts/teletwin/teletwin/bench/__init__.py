"""Speed of the stages, beside what a user would pick instead; every function returns numbers by name."""

from __future__ import annotations
