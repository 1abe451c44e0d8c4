"""Catalog of every error, warning and note with a stable code: one module per area, `code.py` has the types.

A code never changes its meaning and is never reused. Causes, examples and fixes stand in the YAML file beside each
module; `docs/reference/errors.md` is generated from both. Imported by platform and runtime, so it imports neither.
"""
