"""From a dataset's sources to batches.

contract.py    what every source must hold to
sources.py     image sources that plugins may return: files, arrays
decode.py      an image file -> uint8 C×H×W, whatever its mode
roots.py       where a dataset's folder is looked for
trees.py       folders of images, one sub-folder a class
splits.py      named splits: contract checked, classes bound by name, held-out shares carved
preprocess.py  the one place that resizes, converts channels and normalises
store.py       every image of a split, decoded once, as one uint8 tensor
growth.py      the image size at each step, where images grow in training
    batches.py     (seed, epoch, step) -> the images of that step, augmented
seeding.py     generators seeded by position
"""
