"""State that replicas share: databases, sealed request state, subscriptions."""
