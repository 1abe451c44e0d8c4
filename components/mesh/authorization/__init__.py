"""Authorization of callers, and of operators.

Callers: policy.py (AuthorizationPolicies), token_args.py and tokens.py (JWT validation), tool_policy_args.py (tool
policy), enforcement_args.py and external.py (external authorizers), environment.py (settings of the runtime).
Operators: role_groups.py (the stack key `access`), kubernetes_roles.py (Kubernetes RBAC).
"""
