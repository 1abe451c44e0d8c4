"""Kiali by its official chart."""
