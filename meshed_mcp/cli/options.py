"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

StackOption = Annotated[str, typer.Option("--stack", "-s", help="Stack: reads Pulumi.<stack>.yaml.")]
ProjectOption = Annotated[Path, typer.Option("--project", "-p", help="Folder with Pulumi.yaml.")]
