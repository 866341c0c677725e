"""Write a policy that was trained in Isaac Lab as a file that `teletwin demo --policy` takes."""

from __future__ import annotations

import argparse

from isaaclab_teletwin.export import export_policy
from teletwin.errors import TeletwinError


def main() -> None:
    """Export, or say in one line why not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", help="a .pth in logs/rl_games/teletwin_horizon/RUN/nn")
    parser.add_argument("--out", default="policy.npz", help="where the policy goes (policy.npz)")
    args = parser.parse_args()
    try:
        policy = export_policy(args.checkpoint, args.out)
    except TeletwinError as error:
        raise SystemExit(str(error)) from None
    print(f"{args.out}: {len(policy.layers)} layers, sees {len(policy.mean)} numbers")


if __name__ == "__main__":
    main()
