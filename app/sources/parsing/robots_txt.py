"""The parts of a robots.txt that concern this program (RFC 9309), found in one pass over its lines.

Protego stores each rule for each name in its group: 73 KB of names and rules took 1 GB and 71 s. So it only receives
the rules for us. Lines are read as Protego reads them.
"""

from collections.abc import Iterator

USER_AGENT = {"user-agent", "useragent", "user agent"}
SITEMAP = {"sitemap", "sitemaps", "site-map"}
SITE_WIDE = SITEMAP | {"host"}
"""Directives that stand outside of groups."""

RULES = {
    **dict.fromkeys(("disallow", "dissallow", "dissalow", "disalow", "diasllow", "disallaw"), "Disallow"),
    "allow": "Allow",
    **dict.fromkeys(("crawl-delay", "crawl delay"), "Crawl-delay"),
}
"""The directives of a group that are obeyed, each with its usual spelling."""

OTHERS = {"request-rate", "request rate", "visit-time", "visit time"}
DIRECTIVES = USER_AGENT | SITE_WIDE | RULES.keys() | OTHERS

MAX_RULES = 5_000
"""The most different rules for this program. Whoever has more cannot be obeyed, so nothing is read there."""

MAX_RULE_LENGTH = 2000
"""Characters. No address that is read is longer."""

MAX_WILDCARD_LENGTH = 50_000
"""Characters in all rules with an asterisk. Each may be compared with each character of an address."""

MAX_SITEMAPS = 1000

TOO_MANY_RULES = "User-agent: *\nDisallow: /\n# too many rules"
"""The rules in place of those that are too many. No result of ``rules_for`` has a comment."""


def rules_for(agent: str, text: str) -> str:
    """Return the part of a robots.txt that holds for a program, under the name ``*``; "" if there is none.

    Returns TOO_MANY_RULES if there are more than can be obeyed: none is ever left out.
    """
    name = _best_name(agent.lower(), text)
    rules: dict[str, None] = {}
    wildcard_length = 0
    for field, value in _own_group(name, text) if name else ():
        rule = f"{RULES[field]}: {value}"
        wildcard_length += len(value) if "*" in value and rule not in rules else 0
        # Of several values of Crawl-delay, the last counts.
        rules.pop(rule, None)
        rules[rule] = None
        if len(rules) > MAX_RULES or len(value) > MAX_RULE_LENGTH or wildcard_length > MAX_WILDCARD_LENGTH:
            return TOO_MANY_RULES
    return "\n".join(["User-agent: *", *rules]) if rules else ""


def sitemaps_in(text: str) -> tuple[list[str], bool]:
    """Return the addresses of sitemaps, and whether these are all. Those beyond MAX_SITEMAPS are left out."""
    found: dict[str, None] = {}
    for field, value in _directives(text):
        if field in SITEMAP and value:
            if len(found) >= MAX_SITEMAPS and value not in found:
                return list(found), False
            found[value] = None
    return list(found), True


def _best_name(agent: str, text: str) -> str:
    """Return the name in a robots.txt that fits a program best, "" if none does: the longest, or the first of those."""
    best, best_score = "", 0
    for field, value in _directives(text):
        if field in USER_AGENT:
            for name in _names(value):
                if (score := _score(name, agent)) > best_score:
                    best, best_score = name, score
    return best


def _score(name: str, agent: str) -> int:
    """Return how well a name fits a program's: by its length. A part of our name counts only at its start."""
    return 1 if name == "*" else len(name) * agent.startswith(name)


def _names(value: str) -> list[str]:
    """Return the names that a line stands for: it may have asterisks, which are not meant as such."""
    name = value.lower()
    return [each for each in (name, name.replace("*", "")) if each] if name != "*" else [name]


def _own_group(name: str, text: str) -> Iterator[tuple[str, str]]:
    """Yield the rules of all groups with this name."""
    is_own, previous = False, ""
    for field, value in _directives(text):
        if field in USER_AGENT:
            starts_group = bool(previous) and previous not in USER_AGENT
            is_own = (is_own and not starts_group) or name in _names(value)
        elif field in RULES and value and is_own:
            yield field, value
        if field not in SITE_WIDE:
            previous = field


def _directives(text: str) -> Iterator[tuple[str, str]]:
    """Yield the field, in lower case, and the value of each line that has a field, known or not."""
    for line in text.splitlines():
        line = line.partition("#")[0].strip()
        if line and (directive := _directive(line)):
            yield directive


def _directive(line: str) -> tuple[str, str] | None:
    """Split a line at its colon, or after one or two words that are a directive, as in "Disallow /private"."""
    field, colon, rest = line.partition(":")
    field, value = field.strip().lower(), rest.strip()
    if colon and (field in DIRECTIVES or not rest or rest[0].isspace()):
        return field, value
    words = line.split(maxsplit=2)
    for count in (1, 2):
        if (words_before := " ".join(words[:count]).lower()) in DIRECTIVES:
            return words_before, " ".join(line.split()[count:])
    return (field, value) if colon else None
