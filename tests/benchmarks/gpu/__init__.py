"""All GPU benchmarks in one command and 13 minutes: `python -m tests.benchmarks.gpu`.

__main__.py   the command: checks what is installed, then runs the parts, each in a process with a time limit
parts.py      the parts: tests, throughput, compiling, the data path, two complete recipes
installed.py  the checkout as an installed package, without installing anything
"""
