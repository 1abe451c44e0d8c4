"""Entry of `pulumi up` and `pulumi preview` (`main: infra` in Pulumi.yaml)."""

import sys
from pathlib import Path

# `main: infra` puts only this folder on the import path (pulumi/pulumi issue 7360), and the package lies beside it.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from meshed_mcp.infra.program import deploy

deploy()
