"""A mistake in a recipe: where it is, what was given, what is allowed, what was meant."""

import pytest

from framework import Registry, UserError
from framework.recipe import RecipeError, load_recipe

BASE = "dataset: drawn_faces\nmodel: resnet18\n"


def test_three_mistakes_of_different_kinds_give_three_located_messages(complaints):
    lines = complaints(BASE + "optimizer:\n  name: sgd\n  momentm: 0.9\ntrain: {epochs: many}\nloss: crossentropy\n")
    assert lines[0].startswith("recipe.yaml:5:3: optimizer 'sgd' has no option 'momentm'; did you mean 'momentum'?")
    assert lines[1] == "recipe.yaml:6:17: section 'train': 'epochs' is 'many'; it must be a whole number"
    assert lines[2].startswith("recipe.yaml:7:7: there is no loss 'crossentropy'; did you mean 'cross_entropy'?")
    assert len(lines) == 3


def test_what_is_missing_is_named_with_its_meaning(complaints):
    assert complaints("seed: 0\n") == [
        "recipe.yaml:1:1: the recipe needs 'dataset': Where images and labels come from",
        "recipe.yaml:1:1: the recipe needs 'model': The network",
    ]


def test_a_missing_option_is_reported_at_its_component(complaints):
    (line,) = complaints("model: resnet18\ndataset: folder\n")
    assert line.startswith("recipe.yaml:2:1: dataset 'folder' needs 'root': The folder")


def test_an_unknown_name_is_reported_at_the_name(complaints):
    (line,) = complaints("dataset: drawn_faces\nmodel: {small_images: true, name: resnet81}\n")
    assert line.startswith("recipe.yaml:2:35: there is no model 'resnet81'; did you mean 'resnet18'?")


def test_an_unknown_option_says_which_there_are(complaints):
    (line,) = complaints(BASE + "augment: [{name: flip, q: 1}]\n")
    assert line == "recipe.yaml:3:24: transform 'flip' has no option 'q' (options: p, alternate, after, until)"


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        ("train: {epochs: true}", "'epochs' is true; it must be a whole number"),
        ("train: {epochs: '3'}", "'epochs' is '3'; it must be a whole number"),
        ("train: {epochs: 1.5}", "'epochs' is 1.5; it must be a whole number"),
        ("train: {epochs: 3.0}", "'epochs' is 3.0; it must be a whole number, such as 3"),
        ("train: {epochs: 1e3}", "'epochs' is 1000.0; it must be a whole number, such as 1000"),
        ("train: {freeze: {stem: 2, head: 3}}", "it must be a list, such as [stem, head]"),
        ("train: {freeze: {stem:2}}", "it must be a list, such as [stem]"),
        ("train: {epochs: }", "'epochs' is null; it must be a whole number"),
        ("train: {epochs: 0}", "'epochs' is 0; it must be greater than or equal to 1"),
        ("train: {channels_last: yes}", "'channels_last' is 'yes'; it must be true or false"),
        ("train: {channels_last: 1}", "'channels_last' is 1; it must be true or false"),
        ("train: {max_time: 20x}", "it must be seconds or a duration like 90s, 20m or 1h30m"),
        ("train: {freeze: layer1.*}", "'freeze' is 'layer1.*'; it must be a list"),
        ("train: {freeze: [[1]]}", "'freeze.0' is [1]; it must be a string"),
        ("train: {precision: bf16}", "it must be 'auto', 'float32', 'bfloat16' or 'float16'; did you mean 'bfloat16'?"),
        ("train: {device: gpu}", "it must be 'auto', 'cpu', 'mps' or 'cuda', or must match"),
        ("train: {lookahead: {evry: 3}}", "section 'lookahead' has no option 'evry'; did you mean 'every'?"),
        ("train: {lookahead: {every: 0}}", "section 'lookahead': 'every' is 0; it must be greater than or equal to 1"),
        ("train: {lookahead: 5}", "section 'train': 'lookahead' is 5; it must be a mapping of options"),
        ("train:", "the recipe: 'train' is null; it must be a mapping of options"),
        ("preprocess: {channels: true}", "'channels' is true; it must not be true or false"),
        ("preprocess: {channels: 2}", "'channels' is 2; it must be 1 or 3"),
        ("preprocess: {size: 48x48}", "it must be a number of pixels or a pair [height, width]"),
        ("preprocess: {size: 0}", "'size' is 0; it must be greater than or equal to 1"),
        ("preprocess: {mean: [true]}", "'mean.0' is true; it must be a number"),
        ("preprocess: {mean: [0.5, 0.5]}", "section 'preprocess': mean has 2 values; give one for each"),
        ("optimizer: {name: sgd, lr: .inf}", "'lr' is Infinity; it must be a finite number"),
        ("optimizer: {name: sgd, lr: fast}", "'lr' is 'fast'; it must be a number"),
        ("optimizer: {nam: sgd}", "an optimizer needs a name: {name: …}"),
        ("optimizer: [sgd]", 'an optimizer is a name or {name: …, option: …}, not ["sgd"]'),
        ("augment: flip", "'augment' is 'flip'; it must be a list"),
        ("loss: true", "a loss is a name or {name: …, option: …}, not true"),
        ("loss: ''", "there is no loss ''"),
        ("seed: {a: 1}", "'seed' is {\"a\": 1}; it must be a whole number"),
    ],
)
def test_nothing_is_coerced_or_passed_over(complaints, option, complaint):
    (line,) = complaints(BASE + option + "\n")
    assert line.startswith("recipe.yaml:3:")
    assert complaint in line


def test_a_long_value_is_cut_in_the_message(complaints):
    (line,) = complaints(BASE + f"seed: {'x' * 500}\n")
    assert len(line) < 150


def test_a_folder_is_no_recipe(tmp_path, registry):
    with pytest.raises(UserError, match="is a folder; name a recipe file in it"):
        load_recipe(tmp_path, registry)


def test_a_folder_does_not_hide_a_recipe_of_its_name(tmp_path, registry, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    assert load_recipe("folder", registry).dataset.name == "folder"


def test_a_file_that_is_not_there_brings_the_nearest_name(tmp_path, registry):
    (tmp_path / "photos.yaml").write_text(BASE)
    with pytest.raises(UserError, match=r"there is no recipe file .*; did you mean '.*photos.yaml'\?"):
        load_recipe(tmp_path / "photo.yaml", registry)


def test_a_file_that_cannot_be_read_is_said_to_be_so(tmp_path, registry):
    loop = tmp_path / "loop.yaml"
    loop.symlink_to(loop)
    with pytest.raises(UserError, match=r"loop\.yaml"):
        load_recipe(loop, registry)


def test_a_name_too_long_for_a_file_is_said_to_be_so(registry):
    with pytest.raises(UserError, match="cannot be read: File name too long"):
        load_recipe("x" * 400, registry)


def test_a_recipe_that_ships_is_found_by_its_name(registry):
    assert load_recipe("fer2013_resnet18", registry).dataset.name == "fer2013"


@pytest.mark.parametrize(
    ("override", "meant"),
    [
        ("epochs=3", "'train.epochs'"),
        ("lr=0.1", "'optimizer.lr'"),
        ("train.lr=0.1", "'optimizer.lr'"),
        ("model.lr=0.1", "'optimizer.lr'"),
        ("optimizer.warmup=0.1", "'scheduler.warmup'"),
        ("num_epochs=3", "'train.epochs'"),
        ("batchsize=3", "'train.batch_size'"),
        ("learning_rate=3", "'optimizer.lr'"),
        ("image_size=3", "'preprocess.size'"),
        ("every=3", "'train.lookahead.every'"),
        ("p=1", "'augment.0.p' or 'augment.1.p'"),
        ("gamma=1", "'loss.base.gamma'"),
        ("modle=3", "'model'"),
        ("train.epoch=3", "'epochs'"),
    ],
)
def test_an_option_of_another_section_is_suggested_by_its_path(complaints, override, meant):
    recipe = BASE + "augment: [flip, erase]\nloss: {name: distill, teachers: [a], base: focal}\n"
    (line,) = complaints(recipe, override)
    assert f"; did you mean {meant}?" in line


def test_an_option_that_is_nowhere_brings_no_suggestion(complaints):
    (line,) = complaints(BASE, "quux=1")
    assert "did you mean" not in line


@pytest.mark.parametrize(
    ("kind", "written", "meant"),
    [
        ("optimizer", "AdamW", "adamw"),
        ("optimizer", "NAdam", "timm/nadam"),
        ("loss", "CrossEntropyLoss", "cross_entropy"),
        ("loss", "BCEWithLogitsLoss", "bce"),
        ("loss", "SparseCategoricalCrossentropy", "cross_entropy"),
        ("loss", "FocalLoss", "focal"),
        ("scheduler", "ReduceLROnPlateau", "plateau"),
        ("scheduler", "CosineAnnealingLR", "cosine"),
        ("scheduler", "CosineLRScheduler", "cosine"),
        ("scheduler", "StepLR", "step"),
        ("scheduler", "OneCycleLR", "one_cycle"),
        ("scheduler", "LinearLR", "warmup"),
        ("model", "ResNet18", "resnet18"),
        ("model", "ConvNeXt_Atto", "timm/convnext_atto"),
        ("dataset", "ImageFolder", "folder"),
    ],
)
def test_what_other_libraries_call_a_component_suggests_ours(complaints, kind, written, meant):
    (line,) = complaints(BASE, f"{kind}={written}")
    assert f"; did you mean '{meant}'?" in line


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("RandomHorizontalFlip", "flip"),
        ("random_resized_crop", "scale"),
        ("RandomCrop", "crop"),
        ("RandomRotation", "rotate"),
        ("ColorJitter", "brightness"),
        ("RandomErasing", "erase"),
        ("MixUp", "mixup"),
    ],
)
def test_what_other_libraries_call_a_transform_suggests_ours(complaints, written, meant):
    (line,) = complaints(BASE, f"augment=[{written}]")
    assert f"; did you mean '{meant}'?" in line


def test_a_default_whose_plugin_is_missing_hides_no_other_mistake(tmp_path, registry):
    without_torch = Registry(tuple(plugin for plugin in registry.plugins if plugin.name != "torch"))
    (tmp_path / "recipe.yaml").write_text(BASE + "epochs: 3\n")
    with pytest.raises(RecipeError) as caught:
        load_recipe(tmp_path / "recipe.yaml", without_torch)
    messages = [problem.message for problem in caught.value.problems]
    assert any("there is no optimizer 'adamw'" in message for message in messages)
    assert any("did you mean 'train.epochs'" in message for message in messages)


def test_patience_without_a_validation_split_is_found_before_any_image_is_read(complaints):
    (line,) = complaints("dataset: {name: drawn_faces, validation: 0}\nmodel: resnet18\ntrain: {patience: 3}\n")
    assert "train.patience=null" in line
