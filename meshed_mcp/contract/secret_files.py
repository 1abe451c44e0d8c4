"""Mounted files with credentials: the variables that name them and the folder that they are mounted in."""

from typing import Final

FILE_SUFFIX: Final = "_FILE"
"""`<VARIABLE>_FILE` has the path of a file with the value of `<VARIABLE>`, which the runtime reads again when the file
changes. Source: the convention of the official images of Docker Hub, such as `POSTGRES_PASSWORD_FILE`."""

MOUNTED_FILES_PATH: Final = "/etc/meshed-mcp/files"
"""Folder with the mounted keys: `secret/<name>/<key>` and `config-map/<name>/<key>`."""

MAX_SECRET_BYTES: Final = 1024 * 1024
"""Largest secret file. Source: Kubernetes, "Secrets", "Size limit"."""
