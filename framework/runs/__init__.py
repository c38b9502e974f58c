"""The run folder and what is made of it: everything that one training produced, written and read in one place.

folder.py       what is in it, and where
training_images.py  which images it was trained on, as hashes
lock.py         one process at a time in a run folder
environment.py  versions, device, git commit
run_summary.py  run folders in one line each
run_differences.py  what differs between two runs
agreement.py    whether two runs gave the same weights, logits or metrics
naming.py       a folder for a run that was not given one
trained.py      a finished classifier, whatever it comes as: run folder, bundle, export
plugins.py      what it needs and is not installed, as it recorded
plugin_files.py  the files of `--plugin`: kept in the run folder, loaded from there
recipe.py       its recipe, and what can still be changed in it
bundle.py       a run sealed into one safetensors file
weights.py      its weights alone
half.py         its weights in half precision
card.py         what a person should know of a run before using it
documents.py    its documents as the texts that a bundle or an export carries
onnx_file.py    the documents that an ONNX file carries
"""
