"""The weekly run, the page, the tables, the command line."""
