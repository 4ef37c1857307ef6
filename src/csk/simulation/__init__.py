"""Companies with known truth, so that estimators can be held against it.

One rule: nothing here is shared with the estimators; it uses NumPy, Polars and PyArrow alone.
"""
