"""The HTTP side of one replica: listeners, limits, drain, and the errors that clients see."""
