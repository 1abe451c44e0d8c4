"""Grafana: chart values, login, exposure through the ingress gateway."""
