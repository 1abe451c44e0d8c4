"""Routes of one service: VirtualService, DestinationRule, rollouts, fault injection, retries."""
