"""Where files come from: folders, addresses, databases."""
