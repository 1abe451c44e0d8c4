"""What is registered, from recordings: types, parents, order, options."""
