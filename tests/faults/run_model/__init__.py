"""The model check of boards and runs: boards change and lie, users start runs, workers and readers act at once.

A model in plain Python tells what must stand in the tables after each step. ``python -m tests.faults.run_model`` is
the long form.
"""
