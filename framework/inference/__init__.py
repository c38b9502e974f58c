"""After training: a run or a bundle as a classifier.

predictor.py     what the network says of images
reading.py       images as the network sees them, read ahead
torch_engine.py  the network in PyTorch
"""
