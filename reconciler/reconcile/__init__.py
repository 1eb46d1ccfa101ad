"""The judgement: does the ledger explain what the exchange reports?  Pure.

It gets running balances and reports, and says what is verified, what is in doubt and what drifted;
where they come from and where the verdict is kept is not decided here.
"""
