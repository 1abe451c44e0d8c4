"""Catalog of every error, warning and note with a stable code: one module per area, `code.py` has the types.

A code never changes its meaning and is never reused. Causes, examples and fixes are in the YAML file beside each
module; `docs/reference/errors.md` is generated from both. Platform and runtime import it, so it imports neither.
"""
