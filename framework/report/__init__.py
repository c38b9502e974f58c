"""What people look at.

display.py   the course of a run in the terminal: live, plain or silent
figures.py   figures as text: shares, durations, tables
"""
