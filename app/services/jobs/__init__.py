"""Jobs: the user's copies of postings, as lists show them.

Nothing of services/runs may come in here.
"""
