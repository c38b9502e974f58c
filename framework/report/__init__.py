"""Output in the terminal and as HTML pages.

display.py          the display of a run: PlainDisplay, SilentDisplay, and the choice of one
run_display.py      what all displays print of a run
live.py             the display on a terminal, with progress bars
notebook.py         the display in a notebook
overview.py         the facts that are printed before a run starts
epoch_table.py      the table of epochs, for any width of the terminal
class_table.py      the table of classes, with the number of images in each split
progress.py         a progress line, for any width of the terminal
wrapping.py         wrapping of long lines
console.py          a rich console without markup in text, tables without borders
card.py             a model card
split.py            the metrics of a split
data_check.py       the output of `framework data check`
prediction_text.py  predictions as lines, JSON and CSV
prediction_output.py  predictions on the terminal, with progress
formatting.py       numbers as text
bitmaps.py          confusion matrices and examples as images, for trackers
run_page.py         the report of a run as a page: sections/ from report_data.py with templates/ and page/
report_data.py      the data of a report, and what is missing
example_selection.py, example_images.py  the example images of a report
comparison.py       a comparison of runs: compared_run.py has one run, seeds.py the runs of one recipe
comparison_text.py, comparison_page.py  a comparison as text and as a page
difference_table.py  what differs between two runs
run_table.py        a table of runs, filtered and sorted
short_names.py      short unique names of runs and images
"""
