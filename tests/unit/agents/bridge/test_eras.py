"""Every feature of the protocol through the bridge: both revisions on either side, over HTTP and stdio."""

import sys
from collections.abc import Callable, Iterator
from typing import Any

import anyio
import pytest
from anyio.from_thread import start_blocking_portal
from mcp import Client, MCPError
from mcp_types import PromptReference, ResourceTemplateReference, TextContent, TextResourceContents

from meshed_mcp import contract
from tests.unit.agents.bridge.conftest import SERVER, Bridge, bridged

pytestmark = [pytest.mark.anyio, pytest.mark.filterwarnings("ignore::mcp.MCPDeprecationWarning")]

MODES = ("auto", "legacy")
UPSTREAMS = [(transport, only) for transport in ("http", "stdio") for only in ("", "modern", "legacy")]


@pytest.fixture(
    scope="module", params=UPSTREAMS, ids=[f"{transport}-{only or 'both'}" for transport, only in UPSTREAMS]
)
def bridge(request: pytest.FixtureRequest, http_upstreams: Callable[[str], str]) -> Iterator[Bridge]:
    """A bridge with sessions in front of each kind of upstream, in an event loop of its own."""
    transport, only = request.param
    upstream: dict[str, Any] = {"upstream_command": ("env", f"ONLY={only}", sys.executable, str(SERVER), "stdio")}
    if transport == "http":
        upstream = {"upstream_url": http_upstreams(only)}
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(bridged(legacy="sticky", **upstream)) as running,
    ):
        yield running


async def text_of(client: Client, tool: str, **arguments: Any) -> str:
    """Call a tool and return its text."""
    result = await client.call_tool(tool, arguments)
    assert isinstance(result.content[0], TextContent)
    return result.content[0].text


@pytest.mark.parametrize("mode", MODES)
async def test_tools_resources_prompts_and_completion_pass(bridge: Bridge, mode: str) -> None:
    """Requirement BRG-1: what the upstream states and returns reaches the client as it is."""
    async with bridge.client(mode) as (client, _):
        assert client.server_info is not None
        assert (client.server_info.name, client.server_info.version) == ("upstream", "3.2.1")
        assert client.instructions == "Read me."
        listed = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert listed["echo"].meta == {"com.example/kind": "text"}
        assert listed["size"].output_schema is not None
        assert await text_of(client, "echo", text="hi") == "hi"
        measured = await client.call_tool("size", {"text": "four"})
        assert measured.structured_content == {"characters": 4, "note": None}
        (note,) = (await client.list_resources()).resources
        (read,) = (await client.read_resource(note.uri)).contents
        assert isinstance(read, TextResourceContents)
        assert read.text == "one"
        (template,) = (await client.list_resource_templates()).resource_templates
        assert template.uri_template == "note://{name}/text"
        greeted = await client.get_prompt("greet", {"name": "Ada"})
        assert isinstance(greeted.messages[0].content, TextContent)
        assert greeted.messages[0].content.text == "Hello Ada"
        for reference in (PromptReference(name="greet"), ResourceTemplateReference(uri="note://{name}/text")):
            found = await client.complete(reference, {"name": "name", "value": "x"})
            assert found.completion.values == ["xa", "xb"]


@pytest.mark.parametrize("mode", MODES)
async def test_errors_pass_with_code_and_data(bridge: Bridge, mode: str) -> None:
    """JSON-RPC 2.0, section 5.1: the error of the upstream, not one of the bridge."""
    async with bridge.client(mode) as (client, _):
        with pytest.raises(MCPError) as caught:
            await client.call_tool("fail", {"code": -31999})
        assert (caught.value.error.code, caught.value.error.message) == (-31999, "it is broken")
        assert caught.value.error.data == {"hint": "repair it"}
        unknown = await client.call_tool("nothing", {})
        assert unknown.is_error


@pytest.mark.parametrize("mode", MODES)
async def test_progress_and_logs_reach_the_call_in_order(bridge: Bridge, mode: str) -> None:
    """MCP, "Progress" and "Logging": on the stream of the request, before its result."""
    async with bridge.client(mode) as (client, seen):
        await client.call_tool("steps", {}, progress_callback=seen.on_progress)
        assert seen.progress == [(0.0, 3.0, "step 0"), (1.0, 3.0, "step 1"), (2.0, 3.0, "step 2")]
        assert seen.logs == ["log 0", "log 1", "log 2"]


def speaks(bridge: Bridge) -> set[str]:
    """Eras of the upstream."""
    return {"auto" if modern else "legacy" for modern in bridge.service.catalog.facts}


@pytest.mark.parametrize("mode", MODES)
async def test_server_initiated_requests_reach_the_client(bridge: Bridge, mode: str) -> None:
    """Requirement BRG-2: a request of an old upstream becomes an input request for a new client."""
    served = mode if mode in speaks(bridge) else ({"auto": "legacy", "legacy": "auto"})[mode]
    if served == "auto":  # a server of 2026-07-28 has no such requests
        return
    async with bridge.client(mode) as (client, seen):
        assert await text_of(client, "ask") == "accept {'yes': True}"
        assert seen.questions == ["Really?"]
        assert await text_of(client, "sample") == "hello"
        assert await text_of(client, "roots") == "file:///work"
    assert len(bridge.service.proxy.held) == 0


@pytest.mark.parametrize("mode", MODES)
async def test_rounds_of_a_new_upstream_reach_the_client(bridge: Bridge, mode: str) -> None:
    """Requirement BRG-3: an input request of a new upstream becomes a server-initiated request for an old client."""
    served = mode if mode in speaks(bridge) else ({"auto": "legacy", "legacy": "auto"})[mode]
    if served == "legacy":  # a server up to 2025-11-25 has no such results
        return
    async with bridge.client(mode) as (client, seen):
        assert await text_of(client, "rounds") == "first {'yes': True}"
        assert seen.questions == ["Which?"]


@pytest.mark.parametrize("mode", MODES)
async def test_a_cancelled_call_is_cancelled_at_the_upstream(bridge: Bridge, mode: str) -> None:
    """MCP, "Cancellation": the bridge passes it on."""
    async with bridge.client(mode) as (client, _):
        before = int(await text_of(client, "cancelled"))
        with anyio.move_on_after(0.5):
            await client.call_tool("wait", {"seconds": 60})
        with anyio.fail_after(10):
            while int(await text_of(client, "cancelled")) == before:  # noqa: ASYNC110 - the upstream's state
                await anyio.sleep(0.05)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until the condition holds."""
    with anyio.fail_after(10):
        while not condition():  # noqa: ASYNC110 - notifications of another process
            await anyio.sleep(0.02)


async def test_change_notifications_reach_a_listening_client(bridge: Bridge) -> None:
    """MCP 2026-07-28, "Subscriptions": with the subscription's own id, from upstreams of either era."""
    async with (
        bridge.client("auto") as (client, _),
        client.listen(tools_list_changed=True, resource_subscriptions=["note://1"]) as subscription,
    ):
        if speaks(bridge) == {"legacy"}:  # the SDK's own server then announces neither
            assert subscription.honored.resource_subscriptions is None
            return
        await client.call_tool("grow", {})
        with anyio.fail_after(10):
            events = {type(await anext(subscription)).__name__, type(await anext(subscription)).__name__}
        assert events == {"ToolsListChanged", "ResourceUpdated"}


async def test_change_notifications_reach_a_session(bridge: Bridge) -> None:
    """MCP 2025-11-25, "List Changed Notification"."""
    async with bridge.client("legacy") as (client, seen):
        await client.list_tools()
        await anyio.sleep(0.2)
        await client.call_tool("grow", {})
        await until(lambda: "notifications/tools/list_changed" in seen.messages)


async def test_metrics_name_the_tools_of_the_upstream(bridge: Bridge) -> None:
    """meshed_mcp.contract, METRIC_OPERATION_DURATION: a tool of the upstream is a label value."""
    async with bridge.client() as (client, _):
        await client.call_tool("echo", {"text": "x"})
    labels = {
        contract.LABEL_METHOD: "tools/call",
        contract.LABEL_TOOL: "echo",
        contract.LABEL_ERROR: "",
        contract.LABEL_PROTOCOL: "2026-07-28",
    }
    assert bridge.sample(f"{contract.METRIC_OPERATION_DURATION}_count", **labels) >= 1
    assert bridge.sample(contract.METRIC_REGISTERED_TOOLS) >= 11
