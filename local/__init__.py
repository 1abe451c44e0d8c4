"""A stack on one machine: the rendered Kubernetes objects as processes and Envoys on loopback (design D11).

Rendered objects in, running processes out; `command.run` is the entry.
`objects/` reads the objects strictly, `envoy/` turns them into Envoy configuration (pure), the rest starts, asks,
measures and stops. A way to try and to test, never a replacement for Istio: what one machine cannot run is refused
or listed by name. Not here: what the objects are (components/), what the processes do (agents/).
"""
