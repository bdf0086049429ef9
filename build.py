#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sets octet up, builds and tests it: `python3 build.py --help`.

Needs nothing but Python. It brings the operating system's packages and a virtual environment in
order and goes on inside that as `octet.toolchain`.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent


def main() -> int:
    """Prepare the machine, then become ``python -m octet.toolchain``."""
    from octet.errors import OctetError
    from octet.toolchain import arguments, clean, environment, lock, process, system

    try:
        options = arguments.parse(sys.argv[1:])
        process.show_commands(options.verbose)
        with lock.exclusive(ROOT):
            if options.command == "clean":
                clean.clean(everything=options.all)
                return 0
            system.ensure(options.command)
            python = environment.prepare(ROOT)
    except OctetError as error:
        print(f"build.py: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130
    os.chdir(ROOT)
    sys.stdout.flush()
    return os.execv(python, [str(python), "-m", "octet.toolchain", *sys.argv[1:]])


if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036 - this file runs before anything checked
        sys.exit("octet needs Python 3.11 or newer; this is " + sys.version.split()[0])
    if os.name != "posix":
        sys.exit("octet builds on Linux and macOS; on Windows use WSL")
    sys.exit(main())
