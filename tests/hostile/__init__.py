"""Answers from outside that want to freeze, flood, leak or mislead, made up by the hundred."""
