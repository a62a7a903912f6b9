"""Boards of applicant tracking systems and websites: detect, list, parse.

Nothing about users, runs or the database may come in here.
"""
