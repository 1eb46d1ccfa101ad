"""The record, made once more from the frames that were kept: does it say what they tell?

`chain` finds out whether the journal is as it was written, `scratch` makes a record of it beside
the real one, `tables` says which rows are made of frames and what they owe to them, `compare` holds
the two against each other, `mend` writes what differs, and `run` does one after the other.
"""
