"""Grafana dashboards as code: typed records, the JSON made of them, and one module per dashboard."""
