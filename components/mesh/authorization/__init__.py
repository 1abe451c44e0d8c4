"""Who may call a service: policies, tokens, external authorizers, Kubernetes roles."""
