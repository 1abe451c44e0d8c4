"""Reference pages that are generated from the product's own models."""
