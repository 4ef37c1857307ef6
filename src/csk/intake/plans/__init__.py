"""What is decided about every file of a run before a row is kept."""
