"""Array functions on NumPy and SciPy alone: every statistic starts from counts that add up."""
