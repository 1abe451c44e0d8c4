"""Contract between platform and runtime: ports, labels, limits, environment variables, metric names.

`components/` renders these names and `agents/` implements them; neither imports the other. A default that one side owns
lives there. All names are available as `contract.NAME`.
"""

# ruff: noqa: F403 - a new name is declared in its module alone
from meshed_mcp.contract.environment import *
from meshed_mcp.contract.labels import *
from meshed_mcp.contract.limits import *
from meshed_mcp.contract.metrics import *
from meshed_mcp.contract.origins import *
from meshed_mcp.contract.outbound_calls import *
from meshed_mcp.contract.protocol import *
from meshed_mcp.contract.secret_files import *
from meshed_mcp.contract.sidecar import *
from meshed_mcp.contract.stack_keys import *
from meshed_mcp.contract.token_issuers import *
from meshed_mcp.contract.user_credentials import *
