"""The page around the sections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from framework.report.page.elements import Content, Markup, element, markup

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""What a browser may do with the page: show images that are in it, and its style. No script runs, nothing is fetched,
whatever the page holds."""


@dataclass(frozen=True)
class Part:
    """A section with its place in the table of contents."""

    anchor: str
    short: str
    """In the table of contents."""
    title: str
    content: Markup


def document(title: str, kicker: str, lead: Content, parts: Sequence[Part], foot: Content) -> str:
    """A whole HTML file."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", Markup(files(__package__).joinpath("style.css").read_text(encoding="utf-8"))),
    )
    links = [element("a", part.short, href=f"#{part.anchor}") for part in parts]
    body = element(
        "body",
        element(
            "header", element("p", kicker, class_="kicker"), element("h1", title), element("p", lead, class_="lead")
        ),
        element("nav", links, aria_label="sections"),
        element("main", [_section(part) for part in parts]),
        element("footer", foot),
    )
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def prose(text: str | Markup) -> Content:
    """Text in which what stands between backticks is code, and a number stays with its percent sign."""
    if isinstance(text, Markup):
        return text
    pieces = text.replace(" %", "\N{NO-BREAK SPACE}%").split("`")
    return [element("code", piece) if index % 2 else markup(piece) for index, piece in enumerate(pieces)]


def callout(*content: Content) -> Markup:
    """Something that the reader must know, such as what is missing here."""
    return element("aside", *content, class_="callout")


def table(titles: Sequence[Content], rows: Sequence[Sequence[Content]], look: str = "") -> Markup:
    """Rows whose first cell names them; it scrolls by itself where it is too wide or too long."""
    head = element("tr", [element("th", title, scope="col") for title in titles])
    body = [
        element("tr", element("th", row[0], scope="row"), [element("td", cell) for cell in row[1:]]) for row in rows
    ]
    whole = element("table", element("thead", head), element("tbody", body), class_=look or None)
    return element("div", whole, class_="scroll", tabindex="0")


def more(summary: str, *content: Content) -> Markup:
    """What is folded away until somebody asks for it, and unfolded on paper."""
    return element("details", element("summary", summary), *content)


def _section(part: Part) -> Markup:
    return element("section", element("h2", part.title), part.content, id=part.anchor)
