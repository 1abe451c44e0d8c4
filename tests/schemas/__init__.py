"""The schemas of `check`, from their sources."""
