"""Reusable Pulumi components: a mesh and its monitoring per cluster, a service per server, and what scales them."""
