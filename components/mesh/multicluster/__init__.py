"""Multi-cluster mesh on different networks: multi-primary and primary-remote."""
