"""Previews: what a run would ingest, company by company.

Nothing of services/runs may come in here.
"""
