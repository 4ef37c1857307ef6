"""Text into typed values: dates, numbers, ids."""
