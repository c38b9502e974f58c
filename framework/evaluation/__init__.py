"""Evaluation: predictions and metrics of a split, the same from a run, `framework evaluate` and Python.

evaluate.py     a network over a store -> predictions
predictions.py  logits, labels and names of a split; saved with a run; averaged over an ensemble
metrics.py      metrics from logits and labels
multilabel_metrics.py  metrics for several labels per image, with their intervals
average_precision.py  the area under the precision-recall curve
soft_labels.py  metrics against votes and other distributions
thresholds.py   a threshold for each class
component_metrics.py  metrics that are components, with their intervals
probabilities.py  softmax or sigmoid, as the network was trained
tta.py          the views of test-time augmentation
confusion.py    the confusion matrix, without its empty cells
cooccurrence.py  the same for several labels per image
untested.py     classes without images in a split
intervals.py    intervals by formula: top-1, balanced accuracy
bootstrap.py    intervals by resampling: macro F1, any metric, differences
ece_interval.py  the bias-corrected interval of ECE
metric_intervals.py  all intervals of a split
paired.py       paired comparison of two classifiers
reliability.py  the reliability diagram
calibration.py  temperature scaling
examples.py     single images with their predictions
texts.py        lists of strings as tensors
"""
