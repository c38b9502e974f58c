"""From a dataset's sources to batches.

contract.py    what every source must hold to
sources.py     what plugins may return: splits with notes; image sources of files, of arrays
unicode_names.py  names of classes and images in one Unicode form
class_names.py  class names that are likely a mistake
joined.py      several sources as one
stamps.py      what shows that an image has changed, without reading it
mounts.py      whether a file system records when a file was changed
ahead.py       work done by threads while its results are used, in order
hashes.py      what tells that two images are the same
listing.py     the files of a folder, a million of them
regions.py     parts of an image
subset.py      images of a source, by a table of their names
csv_table.py   CSV files as rows of cells
tables.py      `dataset.drop` and `dataset.keep`
resize.py      resizing in whole numbers
augment.py     a recipe's transforms as one function of a batch
transformed.py what a transform returned, checked
check/         copies, contradictions, blank and corrupt images of a data set
decode.py      an image file -> uint8 C×H×W, whatever its mode
samples.py     all bits of images with more than 8 bits a sample
depth.py       more than 8 bits a sample: which values are black and white
formats.py     which formats are read, by content, and what others are called
roots.py       where a dataset's folder is looked for
folders.py     folders of images, one sub-folder for each class
splits.py      named splits: contract checked, classes bound by name, held-out shares carved
preprocess.py  the one place that resizes, converts channels and normalises
stores/        every image of a split at one size: in memory, on disk, on the device, or streamed; kept between runs
progressive_resize.py  the image size at each step
spacing.py     evenly spaced samples
order.py       (seed, epoch, step) -> which images
blocks.py      which batches are prepared together
batches.py     (seed, epoch, step) -> the images of that step, augmented
uploading.py   batches on their way to a GPU, ahead of their use
rng.py         random numbers of a batch: functions of seed, epoch, image and transform
seeding.py     generators seeded by position
"""
