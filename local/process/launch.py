"""Executes a program that the kernel kills when its parent ends: `launch.py PARENT_PID PROGRAM ARGUMENT...`.

`processes.py` runs this file, so that a kill -9 of the local run leaves no process behind. Linux only.
Source: prctl(2), PR_SET_PDEATHSIG.
"""

import ctypes
import os
import signal
import sys
from typing import Final

PR_SET_PDEATHSIG: Final = 1
"""Source: <linux/prctl.h>."""


def main() -> None:
    """Set the parent death signal, then execute the program."""
    parent, program, *arguments = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != int(parent):  # the parent died before the line above
            sys.exit(1)
    os.execvp(program, [program, *arguments])  # noqa: S606 - executes without a shell


if __name__ == "__main__":
    main()
