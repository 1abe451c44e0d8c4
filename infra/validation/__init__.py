"""Validation between services and components of one stack."""
