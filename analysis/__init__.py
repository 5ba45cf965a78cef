"""What the numbers mean: verdicts, the AI share, diversity."""
