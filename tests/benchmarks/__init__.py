"""What the package costs, measured against what people use today: `python -m tests.benchmarks`, one file per figure."""
