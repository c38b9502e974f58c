"""After training: a run, a bundle or an export as a classifier.

predictor.py     reading images, and what the network says of them
torch_engine.py  the network in PyTorch
onnx_engine.py   an exported network under onnxruntime
"""
