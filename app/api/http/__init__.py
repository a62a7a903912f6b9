"""The parts that all routes share: guards, bodies, problem documents, OpenAPI.

Nothing about runs, boards or users may come in here.
"""
