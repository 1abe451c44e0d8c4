"""The tests: a room per kind of judge; see CONTRIBUTING."""
