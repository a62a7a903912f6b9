"""One module for each applicant tracking system, and one for websites; ``registry`` lists them.

No network, clock, file or database may come in here: adapters name requests and parse responses.
"""
