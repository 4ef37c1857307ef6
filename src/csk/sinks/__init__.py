"""Writers for machines: one file per format, each ending in a constant `SINK`.

One rule: a sink writes bytes where it is told; when old files give way to new ones is decided
in `staging`, and what types leave csk in `_columns`.
"""
