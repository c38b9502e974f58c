"""Evaluation: the metrics of a split, the same from a run, from `framework evaluate` and from Python.

evaluate.py     a network over a store -> predictions
predictions.py      logits, labels and names of a split; kept with a run; averaged over an ensemble
copies.py       metrics without the test images that training has seen
metrics.py      metrics from logits and labels
probabilities.py  softmax or sigmoid: the activation that the network was trained with
texts.py        names as tensors
confusion.py    the confusion matrix, without its empty cells
untested.py     classes without images in a split
intervals.py    intervals by a formula: of shares, and of balanced accuracy
bootstrap.py    intervals by resampling: of macro F1, and of differences
ece_interval.py  the bias-corrected interval of ECE
metric_intervals.py  all intervals of a split
paired.py       two classifiers on the same images: better, or noise
reliability.py  confidence beside accuracy
calibration.py  the temperature that makes probabilities honest
views.py        several looks at one image
examples.py     single images beside what is said of them
"""
