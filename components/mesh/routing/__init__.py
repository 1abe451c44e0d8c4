"""Routing: VirtualServices, DestinationRules, rollouts, tool routes, fault injection."""
