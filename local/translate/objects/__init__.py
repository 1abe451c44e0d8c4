"""The Kubernetes and Istio objects that the local run understands, read strictly: one model per kind.

Source of every name and meaning: Kubernetes API, apps/v1 and v1; Istio API, networking.istio.io/v1 (EnvoyFilter:
v1alpha3), security.istio.io/v1 and telemetry.istio.io/v1.
"""
