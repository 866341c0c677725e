"""Outages of every hop and role: what moves after them without a person, and what the page says meanwhile."""
