"""The command line: flags in, reports and tables out."""
