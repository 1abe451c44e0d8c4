"""Authorization of callers (policies, tokens, tools, external authorizers) and of operators (Kubernetes RBAC)."""
