"""A trained network as a classifier: what `predict`, `evaluate` and `Predictor` use.

predictor.py     images in, predictions out
evaluation.py    one or several networks, evaluated on a split or a folder
evaluated_model.py  a network with its predictions for each split, saved or computed
ensemble.py      predictions of several networks, averaged
inputs.py        images in any accepted form
image_reader.py  images as tensors, read ahead by threads
detection.py     the detector to use for a network
engine.py        what every form of a network can do
torch_engine.py  the network in PyTorch
graph_engine.py  an exported network
activation.py    activation maps
feature_maps.py  the feature maps of any network
ranking.py       classes by their probability
serving/         `framework serve`
"""
