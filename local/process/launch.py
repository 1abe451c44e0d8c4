"""Becomes another program that dies with its parent: `launch.py PARENT_PID PROGRAM ARGUMENT...`.

Run as a file by `processes.py` between fork and exec: a kill -9 of the local run then leaves nothing behind.
On Linux only; elsewhere the program starts without that promise. Source: prctl(2), PR_SET_PDEATHSIG.
"""

import ctypes
import os
import signal
import sys
from typing import Final

PR_SET_PDEATHSIG: Final = 1
"""Source: <linux/prctl.h>."""


def main() -> None:
    """Bind this process's life to its parent's, then become the program."""
    parent, program, *arguments = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != int(parent):  # the parent died before the line above
            sys.exit(1)
    os.execvp(program, [program, *arguments])  # noqa: S606 - becoming the program without a shell is the purpose


if __name__ == "__main__":
    main()
