"""`key=value` on the command line."""

import pytest

BASE = "dataset: drawn_faces\nmodel: resnet18\n"
FULL = BASE + "augment: [flip, {name: rotate, degrees: 6}]\noptimizer: {name: sgd, lr: 0.3}\n"


def test_an_override_sets_one_option(load):
    recipe = load(FULL, "optimizer.lr=0.1", "train.epochs=3")
    assert (recipe.optimizer.lr, recipe.train.epochs) == (0.1, 3)


def test_naming_a_component_replaces_its_section(load):
    assert load(FULL, "optimizer=adam").optimizer.lr == 1e-3


def test_an_option_of_a_component_given_by_name_only(load):
    assert load(BASE, "model.small_images=true").model.small_images is True


def test_an_option_of_a_default_component(load):
    recipe = load(BASE, "loss.label_smoothing=0.2")
    assert (recipe.loss.name, recipe.loss.label_smoothing) == ("cross_entropy", 0.2)


def test_an_option_of_a_variant(load):
    recipe = load(BASE, "model=timm/convnext_atto", "model.pretrained=true")
    assert (recipe.model.arch, recipe.model.pretrained) == ("convnext_atto", True)


def test_an_entry_of_a_list_by_its_index(load):
    recipe = load(FULL, "augment.0=shift", "augment.1.degrees=9")
    assert [entry.name for entry in recipe.augment] == ["shift", "rotate"]
    assert recipe.augment[1].degrees == 9


def test_a_whole_list(load):
    assert [entry.name for entry in load(FULL, "augment=[mixup]").augment] == ["mixup"]


def test_the_last_of_several_wins(load):
    assert load(BASE, "seed=1", "seed=2").seed == 2


def test_a_value_may_contain_an_equals_sign(load):
    assert str(load(BASE, "dataset=folder", "dataset.root=a=b").dataset.root) == "a=b"


@pytest.mark.parametrize(
    ("override", "fact"),
    [
        ("a..b=1", "key=value"),
        ("=1", "key=value"),
        ("train", "key=value"),
        ("train=", "train=null"),
        ("train={", "not valid YAML: while parsing a flow node"),
        ("model=!x y", "'!x'"),
        ("model={a: &x [*x]}", "'a.0' contains itself"),
        ("train=5", "'train' is 5"),
        ("train.x.y=1", "section 'train' has no option 'x'"),
        ("train.epochs.x=1", "'epochs' is {\"x\": 1}"),
        ("modle.width=3", "a recipe has no section 'modle'; did you mean 'model'?"),
        ("augment=flip", "'augment' is 'flip'"),
        ("augment.2=flip", "'augment' is a list of 2: give an index from 0 to 1"),
        ("augment.-1=flip", "'augment' is a list of 2"),
        ("augment.²=flip", "'augment' is a list of 2"),
        ("augment.0.x=1", "transform 'flip' has no option 'x'"),
        ("augment=[[flip]]", '{name: …, option: …}, not ["flip"]'),
        ("model.name=resnet81", "there is no model 'resnet81'; did you mean 'resnet18'?"),
        ("model={small_images: true}", "{name: …}"),
        ("model=null", "{name: …, option: …}, not null"),
        ("model=resnet18/x", "model 'resnet18' has no variants"),
        ("model=convnext_atto", "there is no model 'convnext_atto'; did you mean 'timm/convnext_atto'?"),
        ("model=timm/convnxt_atto", "did you mean 'convnext_atto'?"),
        ("0=1", "a recipe has no section '0'"),
        ("__class__=1", "a recipe has no section '__class__'"),
    ],
)
def test_an_invalid_override_is_reported_by_its_text(complaints, override, fact):
    (line,) = complaints(FULL, override)
    assert line.startswith(f"{override}: ")
    assert fact in line


def test_a_variant_and_its_option_cannot_both_be_given(complaints):
    (line,) = complaints(BASE, "model=timm/convnext_atto", "model.arch=resnet18")
    assert line.startswith("model=timm/convnext_atto: model 'timm' has 'arch' twice")


def test_all_invalid_overrides_are_reported_in_order(complaints):
    overrides = ["modle=x", "optimizer.lr=true", "augment.1.dgrees=3"]
    assert [line.split(": ")[0] for line in complaints(FULL, *overrides)] == overrides


def test_mistakes_of_the_file_come_before_those_of_overrides(complaints):
    lines = complaints(BASE + "seed: -1\n", "train.epochs=0")
    assert [line.split(": ")[0] for line in lines] == ["recipe.yaml:3:7", "train.epochs=0"]


def test_an_override_may_correct_a_mistake(load):
    assert load(BASE + "train: {epochs: zero}\n", "train.epochs=2").train.epochs == 2


@pytest.mark.parametrize(
    ("written", "overrides", "where"),
    [
        ("train: {epochs: 2}\n", ["train.compile=true", "train.epochs=3"], "train.compile=true"),
        ("", ["train.deterministic=true", "train={compile: true}", "train.epochs=3"], "train={compile: true}"),
        ("preprocess: {channels: 1}\n", ["preprocess.std=[1,1]", "preprocess.fit=pad"], "preprocess.std=[1,1]"),
        ("", ["train.patience=3", "train.epochs=3", "dataset.validation=0"], "dataset.validation=0"),
        ("train: {compile: true}\n", ["train.epochs=3"], "recipe.yaml:3:8"),
    ],
)
def test_options_that_exclude_each_other_are_reported_where_one_was_overridden(complaints, written, overrides, where):
    (line,) = complaints(BASE + written, *overrides)
    assert line.startswith(f"{where}: ")
