"""Lines to the dashboard of a UR controller."""

from __future__ import annotations

import socket

DASHBOARD_PORT = 29999


def ask_dashboard(host: str, *lines: str, timeout_s: float = 1.0) -> list[str]:
    """Send lines to the dashboard; return its answers, empty when it cannot be reached."""
    try:
        with socket.create_connection((host, DASHBOARD_PORT), timeout=timeout_s) as sock:
            stream = sock.makefile("rw", encoding="utf-8", newline="\n")
            stream.readline()
            answers = []
            for line in lines:
                stream.write(f"{line}\n")
                stream.flush()
                answers.append(stream.readline().strip())
            return answers
    except OSError:
        return []
