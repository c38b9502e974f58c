"""What people look at.

display.py   the course of a run as lines, or in silence
live.py      the same on a terminal, with progress bars
epoch_table.py, progress.py, wrapping.py  the table of epochs, a progress line and long lines, for any width of terminal
card.py      a model card on a terminal
console.py   a terminal on which names are no markup
bitmaps.py   pictures for trackers
data_check.py  what `framework data check` prints
split.py     the metrics of a split on a terminal
metrics.py   metrics as text: shares, durations, tables
class_table.py  classes with their images in each split
difference_table.py  what differs between two runs
run_table.py    a table of runs, filtered and sorted
evidence.py  what a report of a run is made of, and what could not be had; pictures.py and choice.py: its images
run_page.py  the report as a page, made of sections/ out of page/
comparison.py, side_by_side.py, comparison_page.py  several runs beside each other; seeds.py: those of one recipe;
             short_names.py: what they are called
predictions.py  predictions as lines, JSON and CSV; showing.py: as they come, with progress on a terminal
"""
