"""Data sets, models of data, and their training, many seeds at a time."""
