"""After training: a run or a bundle as a classifier.

predictor.py     reading images, and what the network says of them
torch_engine.py  the network in PyTorch
ensemble.py      several networks that answer together
answering.py     what a run kept of its answers, or the data to answer for anew
"""
