"""Customers for shops that have no customer id: records that hang together."""
