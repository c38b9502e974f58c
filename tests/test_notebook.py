"""Notebooks: the page docs/python.ipynb, executed by a real kernel, and the display of a run in an output cell."""

import re
import sys
from pathlib import Path

import pytest

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")
pytest.importorskip("ipykernel")

PAGE = Path(__file__).parents[1] / "docs" / "python.ipynb"
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def execute(tmp_path, monkeypatch):
    """Executes a notebook in an empty folder, and counts the messages that update an output."""
    for variable in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(variable, str(tmp_path / "jupyter"))
    monkeypatch.setenv("PYTHONPATH", ":".join(sys.path))
    updates = []

    class Client(nbclient.NotebookClient):
        def process_message(self, message, cell, index):
            updates.append(message["msg_type"])
            return super().process_message(message, cell, index)

    def run(notebook):
        Client(notebook, timeout=300, resources={"metadata": {"path": tmp_path}}).execute()
        return updates.count("update_display_data")

    return run


def texts(cell):
    """The outputs of a cell as text."""
    return [output.text if output.output_type == "stream" else output.data["text/plain"] for output in cell.outputs]


def test_the_notebook_of_the_documentation_runs(execute, tmp_path):
    notebook = nbformat.read(PAGE, as_version=4)
    assert execute(notebook) > 5
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    training, splits, steps, prediction, evaluation, comparison, mistakes, report = map(texts, code)
    (display,) = training
    assert (tmp_path / "runs" / "drawn_faces-1" / "results.json").is_file()
    assert "macro F1" in display
    assert "step 1 of" not in display  # progress disappears
    (output,) = code[0].outputs
    assert output.data["text/html"].startswith("<pre>")
    assert set(re.findall(r"'(\w+)'", splits[0])) == {"validation", "test"}
    assert steps[0].startswith("[(1, ")
    assert re.match(r"\('(angry|disgust|fear|happy|neutral|sad|surprise)', ", prediction[0])
    assert evaluation[-1].startswith("Evaluation('test', images=140")
    assert "McNemar" in "".join(comparison)
    assert [line.split(":")[0] for line in mistakes[0].splitlines()] == ["model=speednt", "train.epochs=many"]
    assert "report.html" in report[0]


def test_progress_is_shown_in_one_output_and_can_be_switched_off(execute):
    code = """
from framework.report.display import choose_display
from framework.report import notebook
notebook.PERIOD = 0
with choose_display() as display:
    display.line("<a> [red]")
    display.reading("train", 1, 2)
    shown = display.progress
    display.reading("train", 2, 2)
    display.run_start(total_steps=4, start_step=0)
    display.step_end({"loss": 1.0, "top1": 0.5, "images_per_second": 10})
    display.tick(1)
    shown += "; " + display.progress
print(type(display).__name__, shown, sep="; ")
"""
    quiet = "import framework\nevaluation = framework.evaluate('drawn/faces', progress=False)"
    cells = [nbformat.v4.new_code_cell(code), nbformat.v4.new_code_cell(quiet)]
    execute(nbformat.v4.new_notebook(cells=cells))
    display, printed = texts(cells[0])
    assert display == "<a> [red]"
    assert cells[0].outputs[0].data["text/html"] == "<pre>&lt;a&gt; [red]</pre>"
    name, reading, step = printed.strip().split("; ")
    assert name == "NotebookDisplay"
    assert "1 of 2 images" in reading
    assert ("step 1 of 4" in step, "loss 1.000" in step, "50.0 %" in step) == (True, True, True)
    assert cells[1].outputs == []


def test_outside_a_kernel_there_is_no_notebook():
    from framework.report.notebook import in_notebook

    assert not in_notebook()
