"""Looks into a board by the console of its program, which goes on all the while."""
