"""Looks at everything that a run needs, one subject a file, and says what was found and what to do.

It changes nothing, anywhere: not in the database, not at the exchange, not on the disk.
"""
