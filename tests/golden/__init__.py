"""Rendered stacks and the package schema as files, for the reviewer of a change."""
