"""Alertmanager: routing of alerts to receivers."""
