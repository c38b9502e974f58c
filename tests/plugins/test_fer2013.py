import os
import shutil
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from framework_fer2013 import Fer2013
from PIL import Image

from framework import Predictor, UserError, find_data
from framework.data.splits import build_splits

CLASSES = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]
UNPACKED = Path(__file__).parents[2] / ".." / "shared" / "data" / "unpacked"


@pytest.fixture(autouse=True)
def shared_data(tmp_path, monkeypatch):
    """The folder of real data; tests run in an empty working directory without FRAMEWORK_DATA."""
    monkeypatch.chdir(tmp_path)
    shared = os.environ.get("FRAMEWORK_DATA", str(UNPACKED))
    monkeypatch.delenv("FRAMEWORK_DATA", raising=False)
    return shared


@pytest.fixture
def real(shared_data, monkeypatch):
    """The real FER-2013, if available."""
    if not (Path(shared_data) / "fer2013" / "train").is_dir():
        pytest.skip(f"FER-2013 is not under FRAMEWORK_DATA ({shared_data})")
    monkeypatch.setenv("FRAMEWORK_DATA", shared_data)
    return Fer2013()


def tree(root, **parts):
    """One image per class for each prefix in each folder: `test=["PublicTest"]`."""
    for folder, prefixes in {"train": ["Training"], **parts}.items():
        for label, name in enumerate(CLASSES):
            (root / folder / name).mkdir(parents=True, exist_ok=True)
            for prefix in prefixes:
                Image.new("L", (48, 48), 20 * label).save(root / folder / name / f"{prefix}_{label}.jpg")
    return root


def sizes(dataset):
    return {split: len(source) for split, source in dataset.build().items()}


def refusal(dataset):
    with pytest.raises(UserError) as caught:
        dataset.build()
    return str(caught.value)


def test_prefixes_split_a_merged_test_folder(tmp_path):
    root = tree(tmp_path, test=["PublicTest", "PrivateTest"])
    assert sizes(Fer2013(root=root)) == {"train": 7, "public_test": 7, "private_test": 7, "test": 7}


@pytest.mark.parametrize(
    ("usage", "prefixes"),
    [
        ("auto", {"PrivateTest"}),
        ("PublicTest", {"PublicTest"}),
        ("PrivateTest", {"PrivateTest"}),
        ("both", {"PublicTest", "PrivateTest"}),
    ],
)
def test_test_usage_selects_the_test_split(tmp_path, usage, prefixes):
    root = tree(tmp_path, test=["PublicTest", "PrivateTest"])
    source = Fer2013(root=root, test_usage=usage).build()["test"]
    assert {Path(name).name.partition("_")[0] for name in source.names} == prefixes
    for index, (name, label) in enumerate(zip(source.names, source.labels, strict=True)):
        assert CLASSES[label] in name
        assert abs(int(source.read(index).mean()) - 20 * label) < 2


def test_public_test_is_the_test_split_if_it_is_the_only_one(tmp_path):
    assert sizes(Fer2013(root=tree(tmp_path, test=["PublicTest"]))) == {"train": 7, "public_test": 7, "test": 7}


def test_an_unavailable_official_split_is_an_error(tmp_path):
    message = refusal(Fer2013(root=tree(tmp_path, test=["PublicTest"]), test_usage="PrivateTest"))
    assert "private_test" in message
    assert "available: public_test" in message


def test_official_splits_may_be_folders(tmp_path):
    root = tree(tmp_path, PublicTest=["a"], PrivateTest=["b", "c"])
    assert sizes(Fer2013(root=root)) == {"train": 7, "public_test": 7, "private_test": 14, "test": 14}


def test_a_test_folder_without_prefixes_is_the_test_split(tmp_path):
    assert sizes(Fer2013(root=tree(tmp_path, test=["im0", "im1"]))) == {"train": 7, "test": 14}


def test_training_images_in_a_test_folder_are_an_error(tmp_path):
    root = tree(tmp_path, test=["Training"])
    assert str(root / "test" / "angry" / "Training_0.jpg") in refusal(Fer2013(root=root))


def test_a_file_without_prefix_among_others_is_an_error(tmp_path):
    root = tree(tmp_path, test=["PublicTest", "PrivateTest"])
    shutil.copy(root / "test/sad/PublicTest_5.jpg", root / "test/sad/extra.jpg")
    for usage in ("auto", "PrivateTest"):
        assert f"'{root}/test/sad/extra.jpg'" in refusal(Fer2013(root=root, test_usage=usage))


def test_a_test_folder_without_prefixes_next_to_an_official_one_is_an_error(tmp_path):
    message = refusal(Fer2013(root=tree(tmp_path, test=["im0"], PublicTest=["a"])))
    assert "test/" in message
    assert "public_test" in message


def test_an_official_split_in_two_folders_is_an_error(tmp_path):
    root = tree(tmp_path, test=["PublicTest"], PublicTest=["a"])
    message = refusal(Fer2013(root=root))
    assert "public_test" in message
    assert f"'{root}/PublicTest'" in message


def test_an_unknown_class_folder_is_an_error(tmp_path):
    (tree(tmp_path) / "train" / "contempt").mkdir()
    (tmp_path / "train" / "contempt" / "1.png").touch()
    assert "contempt" in refusal(Fer2013(root=tmp_path))


def write_table(file, rows, header="emotion,pixels,Usage"):
    file.write_text("\n".join([header, *rows]) + "\n")
    return file


def pixels(seed):
    return np.random.default_rng(seed).integers(0, 256, 48 * 48)


def row(emotion, usage, seed=0):
    return f"{emotion},{' '.join(map(str, pixels(seed)))},{usage}"


def test_the_csv_file_has_the_same_classes_and_its_pixels_are_exact(tmp_path):
    usages = ["Training"] * 7 + ["PublicTest", "PrivateTest"]
    write_table(tmp_path / "fer2013.csv", [row(i % 7, usage, i) for i, usage in enumerate(usages)])
    splits = Fer2013(root=tmp_path).build()
    assert list(splits["train"].classes) == CLASSES
    ordered = [CLASSES[label] for label in splits["train"].labels]
    assert ordered == ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
    for index in range(7):
        np.testing.assert_array_equal(splits["train"].read(index), pixels(index).reshape(1, 48, 48))
    np.testing.assert_array_equal(splits["test"].read(0), pixels(8).reshape(1, 48, 48))
    assert {name: len(source) for name, source in splits.items()} == {
        "train": 7,
        "public_test": 1,
        "private_test": 1,
        "test": 1,
    }


def test_root_may_be_a_csv_file_with_blanks_after_commas(tmp_path):
    rows = [row(0, " Training"), row(3, " Training")]
    file = write_table(tmp_path / "icml_face_data.csv", rows, "emotion, pixels, Usage")
    assert Fer2013(root=file).build()["train"].labels == [0, 3]


@pytest.mark.parametrize(
    ("wrong", "facts"),
    [
        (row(7, "Training"), ("emotion", "'7'", "0 to 6")),
        (row("", "Training"), ("emotion",)),
        (row(0, "Validation"), ("Usage", "'Validation'", "Training, PublicTest, PrivateTest")),
        ("0,1 2 3,Training", ("'pixels'", "2304", "3")),
        ("0,,Training", ("'pixels'",)),
        (row(0, "Training").replace(" ", " 256 ", 1), ("'pixels'", "0 to 255")),
        (row(0, "Training").replace(" ", " -1 ", 1), ("'pixels'", "0 to 255")),
        (row(0, "Training").replace(" ", " x ", 1), ("'pixels'", "0 to 255")),
        (row(0, "Training").replace(" ", " 1.5 ", 1), ("'pixels'", "0 to 255")),
        ("0", ()),
    ],
)
def test_an_invalid_row_is_located(tmp_path, wrong, facts):
    file = write_table(tmp_path / "fer2013.csv", [row(0, "Training"), wrong])
    message = refusal(Fer2013(root=tmp_path))
    assert message.startswith(f"{file}:3: ")
    assert all(fact in message for fact in facts)


def test_another_csv_file_is_an_error_with_the_missing_columns(tmp_path):
    write_table(tmp_path / "fer2013.csv", ["a.jpg,cat"], "path,label")
    message = refusal(Fer2013(root=tmp_path))
    assert "fer2013.csv:1: " in message
    assert "emotion" in message


def test_a_csv_file_without_rows_is_an_error(tmp_path):
    write_table(tmp_path / "fer2013.csv", [])
    assert str(tmp_path / "fer2013.csv") in refusal(Fer2013(root=tmp_path))


@pytest.mark.parametrize("make", [lambda root: None, lambda root: root.mkdir()], ids=["absent", "empty"])
def test_missing_data_is_an_error_with_the_alternatives(tmp_path, make):
    make(tmp_path / "faces")
    message = refusal(Fer2013(root=tmp_path / "faces"))
    assert "framework data fetch fer2013" in message
    assert "dataset.root=DIR" in message
    assert "dataset=drawn_faces" in message


def test_root_is_searched_under_framework_data(tmp_path, monkeypatch):
    tree(tmp_path / "shared" / "fer2013")
    monkeypatch.setenv("FRAMEWORK_DATA", str(tmp_path / "shared"))
    assert sizes(Fer2013()) == {"train": 7}


@pytest.fixture
def kaggle(tmp_path, monkeypatch):
    """A fake kagglehub with the dataset in its cache; raises `fail` if set."""
    module = ModuleType("kagglehub")
    module.cache = tree(tmp_path / "cache", test=["PublicTest", "PrivateTest"])
    module.fail = None

    def dataset_download(handle):
        assert handle == "msambare/fer2013"
        if module.fail:
            raise module.fail
        return str(module.cache)

    module.dataset_download = dataset_download
    monkeypatch.setitem(sys.modules, "kagglehub", module)
    return module


def test_fetch_creates_a_complete_copy(tmp_path, kaggle):
    dataset = Fer2013(root=tmp_path / "data" / "fer2013")
    assert dataset.fetch() == tmp_path / "data" / "fer2013"
    shutil.rmtree(kaggle.cache)
    assert sizes(dataset) == {"train": 7, "public_test": 7, "private_test": 7, "test": 7}
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["fer2013"]


def test_fetch_may_write_to_an_empty_folder(tmp_path, kaggle):
    (tmp_path / "faces").mkdir()
    assert sizes(Fer2013(root=Fer2013(root=tmp_path / "faces").fetch()))["train"] == 7


def test_fetch_may_write_to_the_working_directory(tmp_path, kaggle, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert Fer2013(root=Path()).fetch() == tmp_path / "here"
    assert sizes(Fer2013(root=Path()))["train"] == 7
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("here")] == ["here"]


def fetch_refusal(dataset):
    with pytest.raises(UserError) as caught:
        dataset.fetch()
    return str(caught.value)


def test_fetch_does_not_overwrite_files(tmp_path, kaggle):
    (tmp_path / "faces").mkdir()
    (tmp_path / "faces" / "mine.txt").touch()
    assert f"'{tmp_path / 'faces'}'" in fetch_refusal(Fer2013(root=tmp_path / "faces"))
    assert [path.name for path in (tmp_path / "faces").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("stop", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_interrupted_copy_does_not_look_complete(tmp_path, kaggle, monkeypatch, stop):
    def copy_half(source, target):
        (target / "train").mkdir(parents=True)
        raise stop

    monkeypatch.setattr(shutil, "copytree", copy_half)
    with pytest.raises((UserError, KeyboardInterrupt)):
        Fer2013(root=tmp_path / "faces").fetch()
    assert not (tmp_path / "faces").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]


def test_the_rest_of_a_killed_copy_is_replaced(tmp_path, kaggle):
    (tmp_path / "faces.partial" / "train").mkdir(parents=True)
    assert sizes(Fer2013(root=Fer2013(root=tmp_path / "faces").fetch()))["train"] == 7


def test_a_full_disk_is_an_error_with_the_downloaded_folder(tmp_path, kaggle, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copytree", fail)
    message = fetch_refusal(Fer2013(root=tmp_path / "faces"))
    assert "No space left on device" in message
    assert str(kaggle.cache) in message


def test_a_failed_download_is_an_error_with_the_address(tmp_path, kaggle):
    kaggle.fail = RuntimeError("403 Forbidden")
    message = fetch_refusal(Fer2013(root=tmp_path / "faces"))
    assert "403 Forbidden" in message
    assert "kaggle.com/datasets/msambare/fer2013" in message


def test_a_changed_layout_is_an_error(tmp_path, kaggle):
    shutil.rmtree(kaggle.cache / "train")
    assert "train/" in fetch_refusal(Fer2013(root=tmp_path / "faces"))


def test_a_missing_kagglehub_is_an_error_with_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    assert "pip install 'framework[fetch]'" in fetch_refusal(Fer2013(root=tmp_path / "faces"))


def test_the_real_data_has_the_published_counts(real):
    splits = real.build()
    counts = {name: [Counter(source.labels)[label] for label in range(7)] for name, source in splits.items()}
    assert counts["train"] == [3995, 436, 4097, 7215, 4965, 4830, 3171]
    assert counts["public_test"] == [467, 56, 496, 895, 607, 653, 415]
    assert list(splits["train"].classes) == CLASSES


def test_the_real_images_are_grayscale_at_48_pixels(real):
    source = real.build()["train"]
    assert {source.read(index).shape for index in range(0, len(source), 2000)} == {(1, 48, 48)}


def test_the_real_validation_split_is_stratified(real):
    splits = build_splits(real.model_copy(update={"validation": 0.2}))
    assert Counter(splits["validation"].labels) == {0: 799, 1: 87, 2: 819, 3: 1443, 4: 993, 5: 966, 6: 634}
    assert len(splits["train"]) + len(splits["validation"]) == 28_709


def test_the_real_data_is_found_under_framework_data(real, shared_data):
    assert find_data(real.root) == Path(shared_data) / "fer2013"


def test_the_shipped_model_has_the_accuracy_in_its_results(real):
    predictor = Predictor.open("fer2013/compact", device="cpu")
    assert list(predictor.classes) == CLASSES
    test = build_splits(Fer2013())["test"]
    metrics = predictor.predictions(predictor.store(test, "error")).metrics()
    assert metrics["top1"] == pytest.approx(predictor.trained.documents["results"]["test"]["top1"], abs=0.003)
