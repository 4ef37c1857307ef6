"""Lazy plans closed under customer: what happened, one row per spell, purchase or customer."""
