"""Rows of one file into rows of a canonical table: kept, left out by a rule, or rejected."""
