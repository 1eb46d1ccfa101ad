"""The voice: what is told to people and programs, and the ways by which it reaches them.

Rests on the record, which says what happened; nothing here can delay the feed.
"""
