"""Integer facts of wide event tables, in narwhals: the same rows on every engine.

Facts of parts add up to facts of the whole. They use integers and dates only.
"""
