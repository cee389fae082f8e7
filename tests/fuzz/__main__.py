"""Feed the readers of requests what coverage suggests: python -m tests.fuzz --seconds 60 (make fuzz).

Each property has a process of its own, which ends at the first crash and leaves the input that did it in var/fuzz. Put
into tests/fuzz/seeds, test_seeds.py tries it for ever.
"""

import argparse
import subprocess
import sys

from tests.fuzz.properties import PROPERTIES


def main() -> int:
    """Return the number of properties that did not hold."""
    parser = argparse.ArgumentParser(prog="make fuzz")
    parser.add_argument("--seconds", type=int, default=60, help="of each property")
    parser.add_argument("--only", choices=PROPERTIES, help="one property alone")
    options = parser.parse_args()
    failed = 0
    for name in [options.only] if options.only else PROPERTIES:
        print(f"{name}: {PROPERTIES[name].__doc__}", flush=True)
        command = [sys.executable, "-m", "tests.fuzz.target", name, str(options.seconds)]
        failed += subprocess.run(command).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
