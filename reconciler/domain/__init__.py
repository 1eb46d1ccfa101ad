"""The words and laws of the trade: records, money, time, and how two sights of one thing merge.

Pure, and the ground floor: it imports nothing of the other rooms.
"""
