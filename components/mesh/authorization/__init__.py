"""Authorization: AuthorizationPolicies, token validation, external authorizers, tool policy, Kubernetes RBAC."""
