"""A user's companies with their filters, and the detection of boards.

Reading boards belongs to sources; previews and runs import this room, never the reverse.
"""
