"""Tables and times in a terminal."""

import unicodedata
from collections.abc import Sequence
from datetime import datetime

import click


def print_table(lines: Sequence[tuple[str, ...]]) -> None:
    """Print lines in columns, the first line being their names."""
    widths = [max(map(display_width, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell + " " * (most - display_width(cell)) for cell, most in zip(line, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def display_width(text: str) -> int:
    """How many places a text takes; letters of East Asian scripts take two, marks above others none."""
    return sum(map(_character_width, text))


def truncate(text: str | None, most: int) -> str:
    """A text that takes no more places than that, and nothing that moves the cursor."""
    plain = "".join(each for each in text or "-" if each.isprintable())
    if display_width(plain) <= most:
        return plain
    while display_width(plain) > most - 1:
        plain = plain[:-1]
    return f"{plain}…"


def _character_width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def format_time(moment: datetime | None) -> str:
    """Return a time to the second; "-" for None."""
    return moment.strftime("%Y-%m-%d %H:%M:%SZ") if moment else "-"
