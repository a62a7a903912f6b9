"""One module for each applicant tracking system, and one for websites; ``registry`` lists them.

Adapters do not fetch: they name requests and parse responses.
"""
