"""One model a file: fit on a summary, score customers against what was fitted."""
