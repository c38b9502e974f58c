"""Messages about mistakes in recipes: position, given value, allowed values, suggestion."""

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


def test_all_missing_sections_are_named(complaints):
    lines = complaints("seed: 0\n")
    assert [line.split(": ")[:2] for line in lines] == [
        ["recipe.yaml:1:1", f"the recipe needs '{section}'"] for section in ("dataset", "model")
    ]


def test_a_missing_option_is_reported_at_its_component(complaints):
    (line,) = complaints("model: resnet18\ndataset: folder\n")
    assert line.startswith("recipe.yaml:2:1: dataset 'folder' needs 'root': The folder")


def test_an_unknown_name_is_reported_at_the_name(complaints):
    (line,) = complaints("dataset: drawn_faces\nmodel: {small_images: true, name: resnet81}\n")
    assert line.startswith("recipe.yaml:2:35: there is no model 'resnet81'; did you mean 'resnet18'?")


def test_an_unknown_option_lists_the_known_ones(complaints):
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
        ("train: {max_time: 20x}", "90s, 20m or 1h30m"),
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
def test_values_are_neither_converted_nor_ignored(complaints, option, complaint):
    (line,) = complaints(BASE + option + "\n")
    assert line.startswith("recipe.yaml:3:")
    assert complaint in line


def test_a_long_value_is_truncated_in_the_message(complaints):
    (line,) = complaints(BASE + f"seed: {'x' * 500}\n")
    assert len(line) < 150


def test_a_folder_is_not_a_recipe(tmp_path, registry):
    with pytest.raises(UserError, match="is a folder"):
        load_recipe(tmp_path, registry)


def test_a_folder_does_not_hide_a_shipped_recipe_of_the_same_name(tmp_path, registry, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    assert load_recipe("folder", registry).dataset.name == "folder"


def test_a_missing_file_suggests_the_most_similar_name(tmp_path, registry):
    (tmp_path / "photos.yaml").write_text(BASE)
    with pytest.raises(UserError, match=r"did you mean '.*photos.yaml'\?"):
        load_recipe(tmp_path / "photo.yaml", registry)


def test_a_file_that_cannot_be_read_is_named(tmp_path, registry):
    loop = tmp_path / "loop.yaml"
    loop.symlink_to(loop)
    with pytest.raises(UserError, match=r"loop\.yaml"):
        load_recipe(loop, registry)


def test_a_name_too_long_for_a_file_is_a_user_error(registry):
    with pytest.raises(UserError, match="File name too long"):
        load_recipe("x" * 400, registry)


def test_a_shipped_recipe_is_found_by_name(registry):
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
        ("train.start_from=runs/a", "'train.init_from'"),
        ("train.accumulate=2", "'train.grad_accum_steps'"),
        ("accumulate=2", "'train.grad_accum_steps'"),
        ("train.refresh_norm=50", "'train.recalibrate_bn'"),
        ("train.grow_from=24", "'train.progressive_resize.start'"),
        ("train.grow_until=0.6", "'train.progressive_resize.until'"),
        ("train.lookahead.growth=3", "'train.lookahead.decay_power'"),
        ("evaluate.views=2", "'evaluate.tta'"),
        ("observers=[csv]", "'callbacks'"),
    ],
)
def test_an_unknown_option_suggests_the_path_of_a_known_one(complaints, override, meant):
    recipe = BASE + "augment: [flip, erase]\nloss: {name: distill, teachers: [a], base: focal}\n"
    (line,) = complaints(recipe, override)
    assert f"; did you mean {meant}?" in line


def test_an_option_without_a_similar_one_has_no_suggestion(complaints):
    (line,) = complaints(BASE, "quux=1")
    assert "did you mean" not in line


def test_former_names_in_a_file_suggest_the_current_ones_at_their_positions(complaints):
    section = "train: {start_from: runs/a, accumulate: 2, refresh_norm: 50, grow_from: 24, lookahead: {growth: 3}}\n"
    lines = complaints(BASE + section + "evaluate: {views: 2}\nobservers: [csv]\n")
    found = [(line.split(": ")[0], line.split("did you mean ")[1].split("?")[0]) for line in lines]
    assert found == [
        ("recipe.yaml:3:9", "'train.init_from'"),
        ("recipe.yaml:3:29", "'train.grad_accum_steps'"),
        ("recipe.yaml:3:44", "'train.recalibrate_bn'"),
        ("recipe.yaml:3:62", "'train.progressive_resize.start'"),
        ("recipe.yaml:3:89", "'train.lookahead.decay_power'"),
        ("recipe.yaml:4:12", "'evaluate.tta'"),
        ("recipe.yaml:5:1", "'callbacks'"),
    ]


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
def test_the_name_of_another_library_suggests_a_component(complaints, kind, written, meant):
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
def test_the_name_of_another_library_suggests_a_transform(complaints, written, meant):
    (line,) = complaints(BASE, f"augment=[{written}]")
    assert f"; did you mean '{meant}'?" in line


def test_a_missing_plugin_of_a_default_does_not_hide_other_mistakes(tmp_path, registry):
    without_torch = Registry(tuple(plugin for plugin in registry.plugins if plugin.name != "torch"))
    (tmp_path / "recipe.yaml").write_text(BASE + "epochs: 3\n")
    with pytest.raises(RecipeError) as caught:
        load_recipe(tmp_path / "recipe.yaml", without_torch)
    messages = [problem.message for problem in caught.value.problems]
    assert any("there is no optimizer 'adamw'" in message for message in messages)
    assert any("did you mean 'train.epochs'" in message for message in messages)


def test_patience_without_a_validation_split_is_a_mistake(complaints):
    (line,) = complaints("dataset: {name: drawn_faces, validation: 0}\nmodel: resnet18\ntrain: {patience: 3}\n")
    assert "train.patience=null" in line
