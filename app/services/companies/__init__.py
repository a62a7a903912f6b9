"""A user's companies with their filters, and the detection of boards.

Reading boards belongs to sources; previews and runs import this package, never the reverse.
"""
