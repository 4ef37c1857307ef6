"""Renderers for people: one file per form of a report, each ending in a constant `RENDERER`.

One rule: a renderer knows blocks and pages, and nothing of what the blocks say.
"""
