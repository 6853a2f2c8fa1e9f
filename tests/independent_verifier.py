"""Runs the verifier of the page over many files, in a process that has nothing of ours.

    python -I independent_verifier.py PROGRAM EVIDENCE_KEY LOG_KEY < files, hex, one a line

Each line is answered with `held: …` or `refused: …`. The last line names the modules of
ours that were loaded meanwhile, of which there must be none.
"""

import runpy
import sys


def main(program: str, *keys: str) -> None:
    verify = runpy.run_path(program)["verify"]
    for line in sys.stdin:
        try:
            told = f"held: {verify(bytes.fromhex(line), *keys)}"
        except Exception as error:  # noqa: BLE001 - whatever it is, the file is refused
            told = f"refused: {type(error).__name__}"
        sys.stdout.write(f"{told}\n")
    ours = sorted(each for each in sys.modules if each.split(".")[0].startswith(OURS))
    sys.stdout.write(f"ours: {ours}\n")


OURS = ("sr_core", "pytest_sr")

if __name__ == "__main__":
    main(*sys.argv[1:])
