"""One question a file: a Book in, a frozen result of numbers out."""
