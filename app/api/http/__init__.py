"""The parts that all routes share: guards, bodies, problem documents, the blueprint and its OpenAPI document.

Nothing about runs, boards or users may come in here.
"""
