"""The Kubernetes and Istio objects that the local run understands, read strictly: one model per kind."""
