"""The trigger that waits for every vendor."""
