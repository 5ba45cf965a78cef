"""Charts: entries, the recordings behind them, and how they are spelled."""
