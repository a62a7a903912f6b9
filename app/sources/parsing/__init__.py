"""Pure functions from text to values: JSON, HTML, XML, JSON-LD, sitemaps.

No input or output may come in here.
"""
