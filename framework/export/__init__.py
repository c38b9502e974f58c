"""Exports of a run, which need no framework: written, then compared with the run.

classifier.py  from the pixels of an image to probabilities, as one module
formats.py     what an exporter writes, and its files
int8.py        the ONNX file, quantised to 8-bit integers
sample.py      the images that run and export are compared on
parity.py      predictions of the run and of its export, compared
report.py      the parity report, as JSON and as text
target.py      format and file of an export
work.py        the export from beginning to end
timing.py      latency and throughput
"""
