"""Problems of a dataset, found by reading every image once.

check.py     the splits of a dataset -> all problems
scan.py      reads each image: hash, thumbnail, size, or the error
copies.py    images with identical pixels
near.py      images that differ only in compression, size, brightness or a little text
advice.py    which image of a group to keep
findings.py  a row for each image and problem, as a CSV file
summary.py   counts
"""
