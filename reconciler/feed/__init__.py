"""The ear: one nursery per session listens to one account and hands over what it hears.

It decides nothing about the record; what it needs to know of it, it asks through `past.Past`.
"""
