"""What one look at a data set finds, and what it advises to keep."""

import shutil

import numpy as np
import pytest
from framework_folder import Folder
from PIL import Image

from framework import ImageArrays, ImageFiles, class_tree
from framework.data.check.check import check_splits
from framework.data.check.findings import findings_of
from framework.data.check.summary import summary_of
from framework.data.splits import build_splits


def checked(root, **options):
    return check_splits(build_splits(Folder(root=root, channels=1, **{"validation": 0, **options})))


def found(root, **options):
    """Each finding as (problem, name, keep)."""
    findings = findings_of(checked(root, **options))
    return sorted((finding.problem, finding.image[1], finding.keep) for finding in findings)


def test_different_pictures_have_no_findings(pictures):
    assert found(pictures) == []


def test_of_copies_in_train_the_first_is_kept(pictures):
    shutil.copy(pictures / "train/cat/03.png", pictures / "train/cat/99.png")
    assert found(pictures) == [("duplicate", "train/cat/03.png", True), ("duplicate", "train/cat/99.png", False)]


def test_the_same_pixels_in_another_format_are_copies(pictures):
    Image.open(pictures / "train/cat/03.png").save(pictures / "train/cat/99.bmp")
    assert [problem for problem, _, _ in found(pictures)] == ["duplicate", "duplicate"]


def test_of_copies_in_train_and_test_that_of_test_is_kept(pictures):
    shutil.copy(pictures / "test/cat/03.png", pictures / "train/cat/00a.png")
    assert found(pictures) == [("duplicate", "test/cat/03.png", True), ("duplicate", "train/cat/00a.png", False)]
    assert summary_of(checked(pictures))["leaks"] == {"test": {"train": {"exact": 1, "near": 0}}}


def test_copies_within_test_all_stay(pictures):
    shutil.copy(pictures / "test/cat/03.png", pictures / "test/cat/99.png")
    assert [keep for _, _, keep in found(pictures)] == [True, True]


def test_of_copies_in_train_and_validation_that_of_validation_is_kept(pictures):
    for image in sorted((pictures / "train/cat").iterdir()):
        shutil.copy(image, image.with_name(f"copy-{image.name}"))
    result = checked(pictures, validation=0.25)
    leaked = summary_of(result)["leaks"]["validation"]["train"]["exact"]
    by_group = {}
    for finding in findings_of(result):
        by_group.setdefault(finding.group, []).append(finding)
    split = [group for group in by_group.values() if {finding.image[0] for finding in group} == {"train", "validation"}]
    assert len(split) == leaked > 0
    assert all(finding.keep == (finding.image[0] == "validation") for group in split for finding in group)


def test_copies_of_two_classes_all_go(pictures):
    shutil.copy(pictures / "train/cat/03.png", pictures / "train/dog/99.png")
    assert found(pictures) == [
        ("contradiction", "train/cat/03.png", False),
        ("contradiction", "train/dog/99.png", False),
    ]


def test_where_more_than_half_of_the_copies_agree_one_of_those_stays(pictures):
    shutil.copy(pictures / "train/cat/03.png", pictures / "train/dog/99.png")
    shutil.copy(pictures / "train/cat/03.png", pictures / "train/dog/98.png")
    assert [name for _, name, keep in found(pictures) if keep] == ["train/dog/98.png"]


def changed(image, how):
    match how:
        case "coded anew":
            return image
        case "larger":
            return image.resize((90, 90), Image.Resampling.BICUBIC)
        case "brighter":
            return image.point(lambda level: min(255, 20 + level))
        case "colour":
            return image.convert("RGB")


@pytest.mark.parametrize("how", ["coded anew", "larger", "brighter", "colour"])
def test_near_copies_are_found(pictures, how):
    changed(Image.open(pictures / "train/cat/03.png"), how).save(pictures / "train/cat/99.jpg", quality=60)
    assert found(pictures) == [
        ("near_duplicate", "train/cat/03.png", True),
        ("near_duplicate", "train/cat/99.jpg", False),
    ]


def test_a_near_copy_of_a_test_image_leaks(pictures):
    Image.open(pictures / "test/cat/03.png").save(pictures / "train/cat/99.jpg", quality=60)
    assert summary_of(checked(pictures))["leaks"] == {"test": {"train": {"exact": 0, "near": 1}}}
    assert ("near_duplicate", "train/cat/99.jpg", False) in found(pictures)


def test_what_is_kept_is_near_to_nothing_that_is_kept(pictures):
    image = Image.open(pictures / "train/cat/03.png")
    for quality in (90, 70, 50):
        image.save(pictures / f"train/cat/{quality}.jpg", quality=quality)
    shutil.copy(pictures / "train/cat/03.png", pictures / "test/cat/99.png")
    assert [name for _, name, keep in found(pictures) if keep] == ["test/cat/99.png"] * 2


@pytest.mark.parametrize("noise", [0, 1])
def test_blank_images_go(pictures, noise):
    pixels = 100 + np.random.default_rng(0).integers(0, noise + 1, (48, 48), dtype=np.uint8)
    Image.fromarray(pixels).save(pictures / "train/cat/99.png")
    assert found(pictures) == [("blank", "train/cat/99.png", False)]


def test_corrupt_files_are_named_with_their_reason(pictures):
    (pictures / "train/cat/03.png").write_bytes(b"")
    (pictures / "test/dog/01.png").write_bytes(b"<html>")
    findings = findings_of(checked(pictures))
    assert [(one.image, one.problem, one.detail) for one in findings] == [
        (("train", "train/cat/03.png", "cat"), "corrupt", "the file is empty"),
        (("test", "test/dog/01.png", "dog"), "corrupt", "not an image, or of an unknown format"),
    ]


def test_a_group_names_another_image_of_its_own(pictures):
    shutil.copy(pictures / "train/cat/03.png", pictures / "train/cat/99.png")
    rows = [finding.row() for finding in findings_of(checked(pictures))]
    assert [(row["name"], row["other_name"], row["group"]) for row in rows] == [
        ("train/cat/03.png", "train/cat/99.png", "1"),
        ("train/cat/99.png", "train/cat/03.png", "1"),
    ]


def arrays(number, seed=0, prefix="image"):
    images = np.random.default_rng(seed).integers(0, 256, (number, 1, 8, 8), dtype=np.uint8)
    return ImageArrays(images, [index % 2 for index in range(number)], ("cat", "dog"), prefix)


def test_a_split_that_is_part_of_another_is_counted_once():
    result = check_splits({"train": arrays(10), "public": arrays(4, 1, "t"), "test": arrays(8, 1, "t")})
    assert result.scan.splits == ("train", "test", "public")
    assert result.scan.shared == {"public": 4}
    assert findings_of(result) == []


def test_an_image_that_one_split_lists_twice_is_a_copy_however_far_apart(pictures):
    train, test = class_tree(pictures / "train", channels=1), class_tree(pictures / "test", channels=1)
    listed = ImageFiles(test.paths * 8, test.labels * 8, test.classes, 1, test.root)
    result = check_splits({"train": train, "test": listed})
    assert result.scan.shared == {}
    assert summary_of(result)["duplicates"] == {"groups": 10, "surplus": 70}


def test_a_corrupt_file_that_splits_share_is_counted_once_and_dropped_from_both(pictures):
    (pictures / "test/dog/01.png").write_bytes(b"")
    train, test = class_tree(pictures / "train", channels=1), class_tree(pictures / "test", channels=1)
    result = check_splits({"train": train, "test": test, "public": test})
    summary = summary_of(result)
    assert summary["corrupt"] == 1
    assert summary["splits"]["public"]["shared"] == summary["splits"]["public"]["images"] == 10
    assert summary["to_drop"] == {"test": 1, "public": 1}
    assert [one.image[:2] for one in findings_of(result)] == [("test", "dog/01.png"), ("public", "dog/01.png")]


def test_a_file_that_is_in_train_and_in_test_leaks():
    result = check_splits({"train": arrays(10), "test": arrays(4)})
    assert summary_of(result)["leaks"] == {"test": {"train": {"exact": 4, "near": 0}}}


def test_the_summary_counts_classes_sizes_and_imbalance(pictures):
    Image.new("RGB", (10, 20)).save(pictures / "train/cat/99.png")
    for index in range(13):
        (pictures / f"train/dog/{index:02}.png").unlink()
    summary = summary_of(checked(pictures))
    assert summary["splits"]["train"]["classes"] == {"cat": 21, "dog": 7}
    assert summary["imbalance"] == {"largest": "cat", "smallest": "dog", "ratio": 3.0}
    assert summary["sizes"]["most"] == [
        {"channels": 1, "height": 48, "width": 48, "images": 37},
        {"channels": 3, "height": 20, "width": 10, "images": 1},
    ]
    assert (summary["sizes"]["shortest_side"], summary["sizes"]["longest_side"]) == (10, 48)
