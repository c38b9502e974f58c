"""Exports of a run, which need no framework: written, then compared with the run.

classifier.py  from the pixels of an image to probabilities, as one module
formats.py     that module as ONNX and `torch.export`; bundles
int8.py        the ONNX file, quantised to 8-bit integers
sample.py      the images that run and export are compared on
parity.py      predictions of the run and of its export, compared
report.py      the parity report, as JSON and as text
work.py        the export from beginning to end
timing.py      latency and throughput
"""
