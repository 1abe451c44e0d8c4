"""Stores of sealed records: a database or Redis."""
