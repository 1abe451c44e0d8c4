"""Arguments derived from several services of a stack."""
