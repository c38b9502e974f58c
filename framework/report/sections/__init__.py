"""The sections of a report, a module and a template each, in this order.

summary.py           metrics with intervals, and the main findings as sentences
confusion_matrix.py  the matrix and the most frequent confusions
classes.py           precision, recall and F1 of each class
calibration.py       reliability diagrams before and after temperature scaling
examples.py          mistakes, narrow decisions and activation maps
learning_curves.py   loss, top-1 and learning rate by epoch
data.py              class counts, fingerprints, images that were left out
reproducibility.py   command, environment, versions, recipe
"""
