"""The parts that all routes share: guards, bodies, problem documents, the blueprint and its OpenAPI document.

No route and no rule of a single noun may come in here.
"""
