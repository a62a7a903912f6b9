"""Boards of applicant tracking systems and websites: detect, list, parse.

No code about users, runs or the database may come in here.
"""
