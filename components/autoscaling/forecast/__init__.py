"""The load forecast: rules, model, simulation and comparison of policies."""
