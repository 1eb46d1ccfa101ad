"""The books: what each fact means in double entry.  Pure; it knows no database and no exchange."""
