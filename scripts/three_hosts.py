"""Operator, twin and arm on three hosts of their own on this machine; options are passed on (try --help)."""

import os
import sys

if not (3, 11) <= sys.version_info < (3, 13):
    sys.exit(
        "teletwin needs Python 3.11 or 3.12, this is {}.{}; install one (apt-get install python3.12 python3.12-venv)"
        " and run: python3.12 scripts/three_hosts.py".format(*sys.version_info)
    )

from bootstrap import BootstrapError, ensure_environment, venv_command


def main() -> None:
    """Prepare, then become the command that makes the hosts."""
    try:
        ensure_environment("demo")
    except BootstrapError as error:
        sys.exit(f"teletwin: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    sys.stdout.flush()
    command = venv_command("python")
    os.execv(command, [command, "-m", "teletwin.cli.three_hosts", *sys.argv[1:]])


if __name__ == "__main__":
    main()
