"""Parser of Kubernetes quantities of CPU and memory.

It rejects values that Kubernetes accepts by mistake, such as `cpu: "250"` (250 cores) and `memory: 512m` (half a byte).
"""

import re
from typing import Annotated, Final

from pydantic import AfterValidator

from meshed_mcp.error_codes import values as codes

_CPU: Final = re.compile(r"(?P<number>\d+(?:\.\d{1,3})?)(?P<suffix>m?)")
_MEMORY: Final = re.compile(r"(?P<number>\d+)(?P<suffix>Ki|Mi|Gi|Ti|k|M|G|T)")
_MISSPELLED_MEMORY: Final = re.compile(r"(?P<number>\d+)(?P<letter>[kKmMgGtT]?)i?[bB]?")

MAX_CORES: Final = 128
"""Product rule: a larger whole number is a forgotten `m`."""

_BYTES: Final = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
"""Source: Kubernetes API, "Quantity": binary and decimal suffixes."""


def cpu_millicores(text: str) -> int:
    """Thousandths of a core in `500m`, `0.5` or `2`; 1 to 128,000. Raises ValueError with what to use instead."""
    found = _CPU.fullmatch(text)
    if found is None:
        raise codes.INVALID_CPU.error(text=text)
    number, suffix = found.groups()
    if suffix and "." in number:
        raise codes.CPU_TOO_FINE.error(text=text, number=round(float(number)) or 1)
    millicores = int(number) if suffix else round(float(number) * 1000)
    if millicores == 0:
        raise codes.CPU_ZERO.error(text=text)
    if millicores > MAX_CORES * 1000:
        raise codes.CPU_TOO_LARGE.error(text=text, cores=millicores // 1000, number=number)
    return millicores


def memory_bytes(text: str) -> int:
    """Bytes in `512Mi` or `1G`; at least 1. Raises ValueError with what to use instead."""
    found = _MEMORY.fullmatch(text)
    if found is None:
        raise codes.INVALID_MEMORY.error(text=text, suggested=_memory_suggestion(text))
    number, suffix = found.groups()
    if int(number) == 0:
        raise codes.MEMORY_ZERO.error(text=text)
    return int(number) * _BYTES[suffix]


Cores = Annotated[str, AfterValidator(lambda text: cpu_millicores(text) and text)]
Memory = Annotated[str, AfterValidator(lambda text: memory_bytes(text) and text)]
"""Types of fields that hold a quantity as text."""


def _memory_suggestion(text: str) -> str:
    found = _MISSPELLED_MEMORY.fullmatch(text)
    if found is None:
        return "a whole number and a unit, such as '512Mi' or '1Gi'"
    number, letter = found.groups()
    return f"'{number}{(letter or 'M').upper()}i'"
