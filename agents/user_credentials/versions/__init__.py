"""Schema versions of the records of user credentials."""
