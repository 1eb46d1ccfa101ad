"""The exchange's dialect, without I/O: text in, the records of `domain` out, and requests back.

It can be run on a file of captured frames; nothing outside it knows the exchange's spelling.
"""
