"""Every image of a split at one size, decoded once and cached between runs.

store.py       Store: pixels by index, labels and names, as the rest of the framework sees them
build.py       build_store: from the cache, or decoded and then cached
survey.py      decodes all images once; Survey: what that finds out about them
streaming.py   StreamedPixels: decoded by worker processes ahead of use
storage.py     which place a recipe requests, and what fits
free_space.py  free memory and disk space
store_file.py  the file format
cache.py       the folder of store files: find, add, evict, clear
contents.py    what identifies a store: settings, and digests of the images, saved with the stamps of the files
bad_images.py  the error for images that cannot be used
advice.py      options that the survey suggests
"""
