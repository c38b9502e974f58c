"""What is wrong with a data set: found by reading every image once.

check.py     a dataset's splits -> everything that was found
scan.py      one reading: hash, thumbnail and size of each image, and what cannot be read
copies.py    the same pixels more than once
near.py      pictures that differ in coding, size, brightness or a little text only
advice.py    which image of a group to keep
findings.py  a row for each image and problem; a CSV file of them
summary.py   the counts
"""
