"""What a page is made of: self-contained HTML, without scripts.

elements.py  elements whose text is escaped
document.py  the page around the sections
style.css    how it looks: on a screen by day and by night, on a phone, on paper
axes.py      scales and ticks
lines.py     a chart of lines
whiskers.py  values with their intervals
bars.py      a reliability diagram, shares as bars
images.py    pixels as data: URIs
"""
