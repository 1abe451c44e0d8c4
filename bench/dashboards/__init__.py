"""Preview of the dashboards without Grafana: synthetic series in a real Prometheus, panels drawn by matplotlib."""
