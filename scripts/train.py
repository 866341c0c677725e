"""Install what `teletwin train` needs into .venv, then start it; options are passed on (try --help)."""

import os
import sys

if not (3, 11) <= sys.version_info < (3, 13):
    sys.exit(
        "teletwin needs Python 3.11 or 3.12, this is {}.{}; install one (apt-get install python3.12 python3.12-venv)"
        " and run: python3.12 scripts/train.py".format(*sys.version_info)
    )

from bootstrap import BootstrapError, ensure_environment, take_check_hashes, venv_command


def main() -> None:
    """Prepare, then become `teletwin train`."""
    try:
        ensure_environment("train", check_hashes=take_check_hashes())
    except BootstrapError as error:
        sys.exit(f"teletwin: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    sys.stdout.flush()
    command = venv_command("teletwin")
    os.execv(command, [command, "train", *sys.argv[1:]])


if __name__ == "__main__":
    main()
