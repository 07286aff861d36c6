"""Harbor once more, without code."""
