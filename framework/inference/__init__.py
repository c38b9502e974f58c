"""After training: a run, a bundle or an export as a classifier.

predictor.py     what the network says of images
ranking.py       classes by their probability
inputs.py        what is accepted as an image
reading.py       images as the network sees them, read ahead
torch_engine.py  the network in PyTorch
onnx_engine.py   an exported network under onnxruntime
ensemble.py      several of them as one
model.py     what a run kept of its predictions, or the data to answer for anew
activation.py    where in an image a network sees a class
serving/         all of that over HTTP, and a page
feature_maps.py  the feature maps of any network, and how they lie in their tensors
"""
