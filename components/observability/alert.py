"""One alert as a record, and how its summary names object and number. The alerts: `alerts.py`, `limit_alerts.py`."""

from typing import Final, NamedTuple

from meshed_mcp import contract

SERVER: Final = f"{{{{ $labels.{contract.LABEL_SERVER} }}}} in {{{{ $labels.namespace }}}}"
TOOL: Final = f"{{{{ $labels.{contract.LABEL_TOOL} }}}} of {SERVER}"
POD: Final = f"{{{{ $labels.pod }}}} ({SERVER})"
NUMBER: Final = '{{ $value | printf "%.0f" }}'
PERCENT: Final = "{{ $value | humanizePercentage }}"
"""How a summary names its object and its number. Source: Prometheus, "Template reference"."""


class Alert(NamedTuple):
    """One rule; several of one name differ in their windows and share a page."""

    name: str
    expression: str
    hold: str
    severity: str
    component: str
    summary: str
    description: str
    window: str = ""
    """Longer window of a burn, as a label: rules of one name need one that differs."""
