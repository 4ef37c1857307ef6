"""What renderers share: words, bars, grids, heat maps and plots as lines of text.

One rule: widths are terminal cells, in which a Japanese character takes two.
"""
