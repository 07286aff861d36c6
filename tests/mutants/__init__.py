"""Small faults put into the code one at a time, each of which a test must notice."""
