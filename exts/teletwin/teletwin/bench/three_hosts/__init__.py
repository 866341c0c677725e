"""Operator, twin and arm on three hosts of their own: network namespaces joined by an emulated network alone."""

from __future__ import annotations
