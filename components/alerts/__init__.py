"""Alerts as records, shared by the components that render them; settings that a stack changes."""
