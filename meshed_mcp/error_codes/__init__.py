"""Catalog of every error, warning and note with a stable code: per area a module of names and a TOML file of texts.

A code never changes its meaning and is never reused. The TOML file has, per code, the text of the message with its
cause, example and fix; `docs/reference/errors.md` is generated from it. It is read with the standard library, because
the runtime has no YAML parser. Platform and runtime import the catalog, so it imports neither.
"""
