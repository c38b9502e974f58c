"""Vocabulary policy: messages, documentation and comments use the usual terms of the field, no private words."""

import io
import re
import tokenize
from pathlib import Path

ROOT = Path(__file__).parents[1]
COVERED = [
    "framework/**/*.py",
    "framework/**/*.html",
    "framework/**/*.js",
    "plugins/**/*.py",
    "tests/plugins/*.py",
    "tests/cuda/*.py",
    "tests/benchmarks/**/*.py",
    "tests/faulty/**/*.py",
    "tests/stranger/**/*.py",
    "recipes/*.yaml",
    "docs/*.md",
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
]
"""Patterns of the files that are checked."""
PRIVATE = {
    r"answer(s|ed|ing)?": "prediction, response, result",
    r"figures?": "metric",
    r"anew": "again, recomputed, re-initialised",
    r"whoever|somebody|someone|nobody|anybody('s)?": "anyone who, users",
    r"told(?! (apart|from))|tells of|says so|(is|are|was|were|be) said": "is notified, prints, reports",
    r"asked (for|of|about)|who asks": "if requested, requests",
    r"goes on|going on": "continues",
    r"look(s|ed|ing)? at": "input, is evaluated on, views",
    r"shares? of|shares? (that|held)|the shares?": "fraction",
    r"what is taken for what": "confusion matrix",
    r"held against": "compared with",
    r"too sure|too modest|sure of itself": "overconfident, underconfident",
    r"right (ones?|answers?)|hits": "correct predictions",
    r"the memory is not enough": "out of memory",
    r"weights to begin with": "initial or pretrained weights",
    r"that is what|what decides|what it takes": "the thing itself",
    r"for people|for programs|people (read|see|write|look)": "in the terminal, as JSON",
    r"no (matter|part) of|all the same|as a rule|hardly|so many|lest": "plain words",
    r"moments?|keepers?|doors?|soundness|growth": "see docs/glossary.md",
    r"stranger('s)?": "third-party plugin",
    r"seals?|sealed|sealing": "pack into a bundle",
    r"passed over": "ignored",
    r"data sets?": "dataset",
}
"""Private words (regular expressions), with what to write instead."""
LEGITIMATE = re.compile(
    r"(first|second) moments?|^\"\"\"Moments of|Another Look at|significant figures"
    r"|^\"growth\"$|```json answer|stranger/",
    re.IGNORECASE,
)
"""Expressions in which such a word is the usual term, or a former name."""
PATTERN = re.compile(rf"\b(?:{'|'.join(PRIVATE)})\b", re.IGNORECASE)


def texts(file):
    """The texts of a file with their lines: strings and comments of Python code, all lines of other files."""
    content = file.read_text(encoding="utf-8")
    if file.suffix != ".py":
        yield from enumerate(content.splitlines(), 1)
        return
    for token in tokenize.generate_tokens(io.StringIO(content).readline):
        if token.type in (tokenize.STRING, tokenize.COMMENT):
            yield from enumerate(token.string.splitlines(), token.start[0])


def offenders(files):
    for file in files:
        for line, text in texts(file):
            for found in PATTERN.finditer(LEGITIMATE.sub("", text)):
                instead = next(term for word, term in PRIVATE.items() if re.fullmatch(word, found[0], re.IGNORECASE))
                yield f"{file.relative_to(ROOT)}:{line}: '{found[0]}' ({instead}) in: {text.strip()}"


def test_texts_have_no_private_words():
    files = sorted({file for pattern in COVERED for file in ROOT.glob(pattern)})
    assert list(offenders(files)) == []


def test_a_private_word_is_found_in_strings_and_comments_only(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    (tmp_path / "module.py").write_text('answers = 1  # anew\nprint(f"the {answers} figures")\n')
    (tmp_path / "page.md").write_text("Second moments.\nIts answers.\n")
    found = [line.split(" (")[0] for line in offenders(sorted(tmp_path.iterdir()))]
    assert found == ["module.py:1: 'anew'", "module.py:2: 'answers'", "module.py:2: 'figures'", "page.md:2: 'answers'"]
