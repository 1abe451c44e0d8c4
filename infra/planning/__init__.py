"""Parts of the plan that several services decide together."""
