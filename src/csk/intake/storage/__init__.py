"""The store: canonical rows in shards, and what is kept of earlier runs."""
