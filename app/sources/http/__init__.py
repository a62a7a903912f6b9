"""Requests to other servers: address checks, time limits, rate limits, robots.txt.

No code for a particular source may come in here.
"""
