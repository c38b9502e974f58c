"""What a user sees when something is wrong: one clear message, an exit status, no traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """The user's input was wrong. The message says where, what was given, what is allowed and what to do."""

    exit_status = 2


class RunFailed(UserError):
    """The input was right and the work failed all the same (a loss that became NaN, a full disk)."""

    exit_status = 1


class Interrupted(UserError):
    """The user stopped the work; whatever had to be kept was kept."""

    exit_status = 130


def nearest(word: str, known: Iterable[str], least: float = 0.6) -> str | None:
    """The known word that `word` was most likely meant to be; None where none has at least that `likeness`."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    matches = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=least)
    return by_lower[matches[0]] if matches else None


def likeness(word: str, other: str) -> float:
    """How much of both words is the same, in order: from 0 to 1."""
    return difflib.SequenceMatcher(None, other.lower(), word.lower()).ratio()


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A clause to append to a message: `; did you mean 'x'?`, or nothing where no known word is close."""
    match = nearest(word, known)
    return f"; did you mean '{match}'?" if match else ""


def enumerate_names(names: Iterable[str], limit: int = 12) -> str:
    """The names as one readable line, cut after `limit` of them with the number left out."""
    names = list(names)
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown}, … ({len(names) - limit} more)"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`1 image`, `2 images`, `3,589 images`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def have(number: int) -> str:
    """`1 has`, `2 have`."""
    return f"{number:,} {'has' if number == 1 else 'have'}"
