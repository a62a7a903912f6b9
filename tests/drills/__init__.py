"""Drills: a whole product, real faults, and a checker that reads what became of every run (``make drill``)."""
