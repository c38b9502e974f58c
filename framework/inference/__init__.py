"""From a finished run to answers.

predictor.py   a run folder as a classifier
"""
