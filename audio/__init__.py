"""Sound: previews found, fetched and decoded."""
