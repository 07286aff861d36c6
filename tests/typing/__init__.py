"""What type checkers say about DAGs."""
