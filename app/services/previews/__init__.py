"""Previews: what a run would ingest, company by company.

Nothing about runs may come in here.
"""
