"""The building blocks of a page: self-contained HTML, without scripts.

render.py  templates to HTML; everything is escaped (../templates/ has the templates and the style sheet)
axes.py    scales, ticks and number formats of a chart
charts.py  learning curves, intervals and reliability diagrams as SVG
images.py  images as data: URIs
"""
