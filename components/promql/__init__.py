"""Every PromQL expression, once: one module per topic."""
