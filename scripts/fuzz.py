"""Install what the guided fuzzing needs into .venv, then start it; options are passed on (try --help)."""

import os
import sys

if not (3, 11) <= sys.version_info < (3, 13):
    sys.exit(
        "teletwin needs Python 3.11 or 3.12, this is {}.{}; install one (apt-get install python3.12 python3.12-venv)"
        " and run: python3.12 scripts/fuzz.py".format(*sys.version_info)
    )

import subprocess
import tomllib

from bootstrap import LOCKS, ROOT, BootstrapError, ensure_environment, take_check_hashes, venv_command


def main() -> None:
    """Prepare, then become `teletwin bench fuzz`."""
    try:
        ensure_environment("test", check_hashes=take_check_hashes())  # the tests' packages: every reader is there
        _ensure_atheris()
    except BootstrapError as error:
        sys.exit(f"teletwin: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    sys.stdout.flush()
    command = venv_command("teletwin")
    os.execv(command, [command, "bench", "fuzz", *sys.argv[1:]])


def _ensure_atheris() -> None:
    """Install the extra `fuzz` beside what is locked; it stands in no lock, since nothing else needs it.

    Raises:
        BootstrapError: pip finds none for this machine.
    """
    python = venv_command("python")
    if subprocess.run([python, "-c", "import atheris"], capture_output=True).returncode == 0:
        return
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    command = [python, "-m", "pip", "install", "--quiet", "--constraint", str(LOCKS["test"])]
    if subprocess.run([*command, *project["optional-dependencies"]["fuzz"]]).returncode != 0:
        raise BootstrapError("atheris cannot be installed; there are wheels for Linux on x86-64")


if __name__ == "__main__":
    main()
