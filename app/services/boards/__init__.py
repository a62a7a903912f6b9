"""Boards: read once for all users, and the life of their postings.

Nothing of previews, runs or users may come in here, except their waiting units, which ``wants`` reads.
"""
