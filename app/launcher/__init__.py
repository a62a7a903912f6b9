"""``make run``: one process starts, watches and stops everything that the product needs on one machine."""
