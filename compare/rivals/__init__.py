"""What a user would run instead of an escape."""
