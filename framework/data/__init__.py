"""From a dataset's sources to batches.

contract.py    what every source must hold to
sources.py     image sources that plugins may return: files, arrays
stamps.py      what tells that an image has changed, without reading it
decode.py      an image file -> uint8 C×H×W, whatever its mode
roots.py       where a dataset's folder is looked for
trees.py       folders of images, one sub-folder a class
splits.py      named splits: contract checked, classes bound by name, held-out shares carved
preprocess.py  the one place that resizes, converts channels and normalises
store.py       every image of a split at one size, with its label
    building.py    where its pixels come from: a kept file, or the source
    reading.py     a source in threads, chunk by chunk, in its order
    survey.py      what one reading finds out: bad images, levels, digest
    storage.py     which place a recipe asks for, and what fits
    room.py        how much memory and disk this process may still have
    pixels.py      pixels by index, in memory, on the device, in a mapped file …
    stream.py      … or nowhere: decoded by worker processes, ahead of need
    cache.py       the folder of kept stores: listed, bounded, cleared
    kept.py        the file of a store
    reuse.py       whether a kept store may be used
    writing.py     the file of a store while its images are read
growth.py      the image size at each step, where images grow in training
order.py       (seed, epoch, step) -> which images
batches.py     (seed, epoch, step) -> the images of that step, augmented
seeding.py     generators seeded by position
"""
