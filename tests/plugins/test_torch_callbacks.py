import csv
from types import SimpleNamespace

from framework_torch.callbacks import CsvTable


def rows(folder):
    with (folder / "metrics.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def log(folder, *epochs, top1=0.5):
    """Log epochs with a new callback, as after a resume."""
    callback = CsvTable().build(SimpleNamespace(path=folder))
    for epoch in epochs:
        validation = {"loss": 1.0 / epoch, "top1": top1, "tested_classes": 2, "images": 3}
        metrics = {"lr": 0.1, "seconds": 1.23456, "train": {"loss": 2.0}, "validation": validation}
        callback.epoch_end(step=10 * epoch, epoch=epoch, metrics=metrics)


def test_each_epoch_is_a_row_of_metrics(tmp_path):
    log(tmp_path, 1, 2)
    assert rows(tmp_path)[1] == {
        "epoch": "2",
        "step": "20",
        "lr": "0.1",
        "seconds": "1.235",
        "train_loss": "2.0",
        "validation_loss": "0.5",
        "validation_top1": "0.5",
    }


def test_a_resumed_run_replaces_repeated_epochs(tmp_path):
    log(tmp_path, 1, 2, 3)
    log(tmp_path, 2, top1=0.9)
    assert [(row["epoch"], row["validation_top1"]) for row in rows(tmp_path)] == [("1", "0.5"), ("2", "0.9")]
