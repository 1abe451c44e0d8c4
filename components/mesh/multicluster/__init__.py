"""A mesh over several clusters."""
