"""The user's files, read once into the store."""
