"""Churn and LTV analytics for customer-success teams: exported files in, decisions out."""

__version__ = "0.1.0"
