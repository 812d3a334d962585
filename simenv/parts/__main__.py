"""The command ``python -m simenv.parts [OUT]``: write objects/ anew."""

import sys
from pathlib import Path

from simenv.parts import write_all


def main(arguments: list[str]) -> int:
    """Write the parts to the folder that is named (default: objects), one line a part."""
    if len(arguments) > 1 or arguments[:1] in (["-h"], ["--help"]):
        print("usage: python -m simenv.parts [OUT]     writes OUT/<name>/ (default: objects/)")
        return 2 if len(arguments) > 1 else 0
    for folder in write_all(Path(arguments[0] if arguments else "objects")):
        print(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
