"""What the program costs, told as ratios to something that runs in the same round.

Absolute figures belong to a machine and a minute; a ratio to raw SQLite, or to a pipeline that
does nothing but receive and write, holds.  Nothing here asserts: a benchmark that fails for being
slow would only say that somebody else used the machine.
"""
