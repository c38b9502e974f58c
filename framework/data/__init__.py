"""From the sources of a dataset to batches.

contract.py    checks of the image sources that plugins return
sources.py     image sources of files and of arrays, selections, splits with notes
joined.py      several sources as one
folders.py     folders of images with one sub-folder for each class
listing.py     lists the files of folders and patterns, up to a million
roots.py       locations in which the folder of a dataset is searched
unicode_names.py  one Unicode form for names of classes and images
class_names.py class names that are probably mistakes
labels.py      the labels of a split as one array
stratification.py  which images are held out
splits.py      named splits: checks sources, binds classes by name, holds out fractions
csv_table.py   CSV files as rows of cells
subset.py      images selected by a table of their names
tables.py      `dataset.drop` and `dataset.keep`
stamps.py      stamps that show whether an image file has changed
mounts.py      whether a file system records when a file was changed
hashes.py      hashes of pixels
ahead.py       work done by threads ahead of its use, in order
formats.py     supported image formats, by content
decode.py      an image file -> uint8 C×H×W
samples.py     images with more than 8 bits a sample at full depth
depth.py       their value range: which values are black and white
regions.py     regions of an image
resize.py      resizing in integers
preprocess.py  the only implementation of preprocessing: channels, resizing, normalisation
stores/        every image of a split at one size: in memory, on disk, on the device, or streamed; cached between runs
check/         copies, contradictions, blank and corrupt images of a dataset
spacing.py     evenly spaced samples
order.py       (seed, epoch, step) -> which images
progressive_resize.py  the image size at each step
augment.py     the transforms of a recipe as one function of a batch
transformed.py checks of what a transform returns
rng.py         random numbers of a batch: functions of seed, epoch, image and transform
seeding.py     generators seeded by position
blocks.py      which batches are prepared together
batches.py     (seed, epoch, step) -> the images of that step, augmented
uploading.py   copies batches to a GPU ahead of their use
"""
