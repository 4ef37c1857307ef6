"""What a file is, from the names of its columns and a look at its values."""
