"""What people look at.

display.py      the course of a run as lines, or in silence
live.py         the same on a terminal, with progress bars
figures.py      figures as text: shares, durations, tables
predictions.py  predictions as lines, JSON and CSV
answering.py    predictions as they come, with progress on a terminal
"""
