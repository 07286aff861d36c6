"""One HTTP request as data, and the two ways to send it."""
