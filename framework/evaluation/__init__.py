"""Evaluation: the figures of a split, the same from a run, from `framework evaluate` and from Python.

metrics.py    figures from logits and labels
evaluate.py   a network over a store -> logits
"""
