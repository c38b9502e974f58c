"""Every image of a split at one size, wherever it fits, kept between runs.

store.py       what the rest of the framework sees: pixels, labels, names
building.py    where the pixels come from: a kept file, or the source
reading.py     a source in threads, chunk by chunk, in its order
refusal.py     the error for images that cannot be used
survey.py      what one reading finds out: bad images, levels, digest
storage.py     which place a recipe asks for, and what fits
room.py        how much memory and disk this process may still have
pixels.py      pixels by index: in memory, on the device, in a mapped file …
stream.py      … or nowhere: decoded by worker processes, ahead of need
cache.py       the folder of kept stores: listed, bounded, cleared
kept.py        the file of a store
reuse.py       whether a kept store may be used
writing.py     the file of a store while its images are read
"""
