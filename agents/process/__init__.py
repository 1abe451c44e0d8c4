"""Process of a replica: signals, background tasks, garbage collection, start-up errors."""
