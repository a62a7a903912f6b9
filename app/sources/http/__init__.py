"""Requests to other servers: address checks, time limits, rate limits, robots.txt.

Nothing about a particular system may come in here.
"""
