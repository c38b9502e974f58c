"""A run as a file that needs no framework: written, and measured against the run.

classifier.py  from the bytes of an image to probabilities, as one module
formats.py     that module as ONNX and as PyTorch's own export; a bundle
int8.py        the same ONNX with whole numbers of 8 bits
opened.py      an export or a run as one function, for measuring
sample.py      the images that parity is measured on
parity.py      predictions of a run and of its export, compared
report.py      what was found, as JSON and for people
work.py        all of that from beginning to end
timing.py      latency and throughput
"""
