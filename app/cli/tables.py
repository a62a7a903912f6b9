"""Tables, texts and times in a terminal."""

import unicodedata
from collections.abc import Sequence
from datetime import datetime

import click

from app.text import clean_line


def print_table(rows: Sequence[tuple[str, ...]]) -> None:
    """Print rows in columns; the first row holds the headings."""
    widths = [max(map(display_width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell + " " * (width - display_width(cell)) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def display_width(text: str) -> int:
    """Return the number of terminal columns that a text needs."""
    return sum(map(_character_width, text))


def truncate(text: str | None, max_width: int) -> str:
    """Return the text as a line of at most ``max_width`` columns, without control characters; "-" for None."""
    line = clean_line(text or "-")
    if display_width(line) <= max_width:
        return line
    while display_width(line) > max_width - 1:
        line = line[:-1]
    return f"{line}…"


def _character_width(character: str) -> int:
    """Return 0 for combining marks and joiners, 2 for East Asian characters, else 1."""
    if unicodedata.combining(character) or unicodedata.category(character) == "Cf":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def format_time(time: datetime | None) -> str:
    """Return a time to the second; "-" for None."""
    return time.strftime("%Y-%m-%d %H:%M:%SZ") if time else "-"
