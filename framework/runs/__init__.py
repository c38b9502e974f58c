"""The run folder: everything that one training produced, written and read in one place.

folder.py       what is in it, and where
files.py        files that are written whole or not at all
environment.py  versions, device, git commit
naming.py       a folder for a run that was not given one
"""
