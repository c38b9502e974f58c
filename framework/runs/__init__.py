"""Run folders, bundles and exports: what a training produced, read and written in one place.

folder.py       the files of a run folder
training_images.py  hashes of the images that a run was trained on
seen_images.py  evaluation images that a network was trained on
lock.py         a lock on a run folder
environment.py  versions, device, git commit
naming.py       the default folder of a run, the default file of its report
trained.py      a trained network in any form: run folder, bundle, export
plugins.py      messages about missing plugins
plugin_files.py  the files of `--plugin`: kept in the run folder, loaded from there
run_summary.py  run folders in one line each
run_differences.py  what differs between two runs
agreement.py    whether two runs gave the same weights, logits or metrics
recipe.py       the recipe of a trained network, and the overrides that are allowed after training
bundle.py       a run as one safetensors file
weights.py      the weights alone
half.py         weights in half precision
card.py         the model card
named_detector.py  the detector that a bundle names
documents.py    documents as texts inside a bundle or an export
export_file.py  exported files, opened by their exporter
"""
