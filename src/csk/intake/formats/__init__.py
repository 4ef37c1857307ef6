"""Rows out of files of any format, in bounded memory."""
