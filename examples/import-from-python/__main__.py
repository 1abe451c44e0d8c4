"""Your own Pulumi program: uses the components instead of the stack files of this repository.

The cluster has Istio, KEDA and a Prometheus operator, and a meshed namespace `tools`. The image may be an output of
another resource. Here it comes from the configuration.
"""

import pulumi

from meshed_mcp.components import AutoscalingPolicy, MeshedMCPService

config = pulumi.Config()

search = MeshedMCPService(
    "mcp-search",
    {
        "image": pulumi.Output.from_input(config.require("image")),
        "namespace": "tools",
        "callers": ["frontend/chat"],
        "drain": {"grace_seconds": 60},
        "autoscaled": ["stable"],  # AutoscalingPolicy owns the replica count after creation
    },
)
AutoscalingPolicy(
    "search-scaling",
    {
        "targets": {"mcp-search": {"min_replicas": 2, "max_replicas": 20}},
        "namespace": "tools",
        "prometheus_url": "http://prometheus-operated.monitoring.svc:9090",
        "keda": {"install": "existing"},
    },
    pulumi.ResourceOptions(depends_on=[search]),
)
pulumi.export("url", search.url)
