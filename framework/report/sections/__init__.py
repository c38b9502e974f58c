"""The sections of a report, a module each: from the evidence to HTML.

headline.py     the metrics that matter, and what they say in words
confusion.py    which class is taken for which
classes.py      precision, recall and F1 of each class
calibration.py  whether its probabilities can be trusted
examples.py     images: mistakes, doubts, where it looks
course.py       how it learned
data.py         what it was trained on
making.py       how it was made: recipe, command, versions, time
"""
