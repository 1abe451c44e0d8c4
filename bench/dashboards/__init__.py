"""Dashboards without Grafana: made-up series in a real Prometheus, every panel's queries asked, pictures drawn."""
