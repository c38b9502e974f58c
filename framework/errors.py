"""Errors for users: a message and an exit status, without a traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Invalid input. The message says where, what was given, what is allowed and what to do."""

    exit_status = 2


class RunFailed(UserError):
    """The input is valid but the work failed (NaN loss, full disk)."""

    exit_status = 1


class Interrupted(UserError):
    """The user stopped the work; results so far are saved."""

    exit_status = 130


def closest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The most similar known word; None if none has a `similarity` of at least `cutoff`."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    matches = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=cutoff)
    return by_lower[matches[0]] if matches else None


def similarity(word: str, other: str) -> float:
    """Similarity of two words, 0 to 1 (`difflib` ratio, ignoring case)."""
    return difflib.SequenceMatcher(None, other.lower(), word.lower()).ratio()


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` for the end of a message; empty if no known word is similar."""
    match = closest(word, known)
    return f"; did you mean '{match}'?" if match else ""


def enumerate_names(names: Iterable[str], limit: int = 12) -> str:
    """`a, b, c, … (9 more)`: at most `limit` names and the number of the others."""
    names = list(names)
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown}, … ({len(names) - limit} more)"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`1 image`, `2 images`, `3,589 images`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def have(number: int) -> str:
    """`1 has`, `2 have`."""
    return f"{number:,} {'has' if number == 1 else 'have'}"
