"""Pods of every workload that the stack makes: their options, the overlay for other fields, and what they need."""
