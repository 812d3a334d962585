"""The command ``python -m simenv.parts [ROOT]``: write objects/ and robots/ anew."""

import sys
from pathlib import Path

from simenv.parts import write_all, write_robots


def main(arguments: list[str]) -> int:
    """Write parts and robots to the folder that is named (default: .), one line for each."""
    if len(arguments) > 1 or arguments[:1] in (["-h"], ["--help"]):
        print("usage: python -m simenv.parts [ROOT]    writes ROOT/objects/ and ROOT/robots/")
        return 2 if len(arguments) > 1 else 0
    root = Path(arguments[0] if arguments else ".")
    for folder in [*write_all(root / "objects"), *write_robots(root / "robots")]:
        print(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
