"""The process of one replica: signals, background tasks, garbage collection, errors of the start."""
