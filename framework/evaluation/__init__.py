"""Evaluation: the figures of a split, the same from a run, from `framework evaluate` and from Python.

evaluate.py     a network over a store -> answers
answers.py      logits, labels and names of a split; kept with a run; averaged over an ensemble
copies.py       figures without the test images that training has seen
metrics.py      figures from logits and labels
intervals.py    how far a share can be trusted
bootstrap.py    how far any other figure can be trusted
paired.py       two classifiers on the same images: better, or noise
reliability.py  confidence beside accuracy
calibration.py  the temperature that makes probabilities honest
views.py        several looks at one image
examples.py     single images beside what is said of them
"""
