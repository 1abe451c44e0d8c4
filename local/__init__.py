"""Local run: the rendered Kubernetes objects of a stack as processes and Envoys on loopback; `command.run` starts it.

`translate/` turns objects into Envoy configuration (pure), `process/` runs them, `observe/` monitors them. The run
is for development and tests and does not replace Istio: what one machine cannot run is rejected or listed.
"""
