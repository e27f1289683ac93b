"""A lesson's event log: which entries there are, and who is said to have spoken.

Sans-IO. The lesson writes the entries; pages, journal, facts and statistics read them.
"""
