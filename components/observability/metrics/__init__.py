"""The metric catalog and the monitors that scrape the platform."""
