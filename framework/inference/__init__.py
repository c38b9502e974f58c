"""After training: a run or a bundle as a classifier.

predictor.py     reading images, and what the network says of them
torch_engine.py  the network in PyTorch
ensemble.py      several of them as one
activation.py    where in an image a network sees a class
feature_maps.py  the feature maps of any network, and how they lie in their tensors
"""
