"""After training: a run or a bundle as a classifier.

predictor.py     reading images, and what the network says of them
torch_engine.py  the network in PyTorch
"""
