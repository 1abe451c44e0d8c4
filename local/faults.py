"""The one error of the local run: what a reader must change, one line per fault."""


class LocalRunError(Exception):
    """The stack cannot be run here; `faults` has one line per fault and the command prints nothing else."""

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults
