"""The record: tables, views and the statements that fill and ask them, on SQLite and PostgreSQL.

SQLAlchemy Core, no ORM.  It decides nothing about money: what two sights make is said by `domain`.
"""
