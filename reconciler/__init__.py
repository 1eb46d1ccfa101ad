"""A provably complete, exact record of what happened on WhiteBIT exchange accounts."""

__version__ = "0.1.0"
