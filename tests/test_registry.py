"""Discovery of plugins by entry points; a plugin that fails does not affect the others."""

import itertools
import sys
import textwrap

import pytest

from framework import Model, Optimizer, Registry, UserError
from framework.registry import variants_of
from framework.runs.trained import open_trained

NUMBERS = itertools.count()
GOOD = """
    from pydantic import Field
    from framework import Model, Transform, hookimpl
    from framework.components import Component

    class Probe(Model):
        "A probe."
        name = "probe"
        def build(self, num_classes): ...
"""
OFFER = """
    @hookimpl
    def components(): return [Probe]
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a plugin with that source on the path, as pip would; returns the loaded registry."""

    def install(source, metadata="Version: 0.1", entry=None, name="probe"):
        number = next(NUMBERS)  # a new module each time, because imported modules are cached
        package = f"framework_probe_{number}"
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text(source)
        info = tmp_path / f"{package}-0.1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: framework-probe-{number}\n{metadata}\n")
        (info / "entry_points.txt").write_text(f"[framework]\n{name} = {entry or package}\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        registry = Registry.load()
        sys.modules.pop(package, None)
        return registry

    return lambda *sources, **others: install("\n".join(map(textwrap.dedent, sources)), **others)


def fault(registry, name="probe"):
    return next(plugin.fault for plugin in registry.plugins if plugin.name == name)


@pytest.mark.parametrize(("former", "current"), [("Observer", "Callback"), ("Finder", "Detector")])
def test_a_plugin_that_imports_a_former_kind_fails_with_the_current_one(install, former, current):
    reason = fault(install(f"from framework import {former}"))
    assert f"'framework.{former}'" in reason
    assert f"'framework.{current}'" in reason


def test_a_plugin_on_the_path_is_found(install):
    registry = install(GOOD, OFFER)
    assert registry.find(Model, "probe").__name__ == "Probe"
    assert fault(registry) is None


def test_bundled_plugins_are_found_without_faults():
    registry = Registry.load()
    assert {plugin.name for plugin in registry.plugins} >= {
        "drawn",
        "fer2013",
        "folder",
        "timm",
        "torch",
        "torchvision",
    }
    assert registry.faults == registry.clashes == []


def test_the_plugin_of_a_component_is_known(install):
    registry = install(GOOD, OFFER)
    provider = registry.provider(Model, "probe")
    assert (provider.name, provider.version) == ("probe", "0.1")


def test_a_plugin_may_be_an_object_of_a_module(install):
    plugin = "class P:\n    @hookimpl\n    def components(self): return [Probe]\nplugin = P()\n"
    registry = install(GOOD, plugin, entry=f"framework_probe_{next(NUMBERS) + 1}:plugin")
    assert registry.find(Model, "probe")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise RuntimeError('the licence\\nserver is down')", "RuntimeError: the licence server is down"),
        ("raise ValueError", "ValueError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("def (:", "SyntaxError: invalid syntax (__init__.py, line 1)"),
        ("import not_installed_anywhere", "ModuleNotFoundError: No module named 'not_installed_anywhere'"),
    ],
)
def test_a_plugin_that_cannot_be_imported_is_listed_with_the_reason(install, source, reason):
    registry = install(source)
    assert fault(registry) == reason
    assert registry.find(Model, "resnet18")


@pytest.mark.parametrize(
    ("hook", "reason"),
    [
        ("", "it implements no hook"),
        ("def components(): return [Probe]", "it implements no hook"),
        ("@hookimpl\ndef componentz(): return [Probe]", "unknown hook 'componentz'"),
        ("@hookimpl\ndef components(registry): return [Probe]", "{'registry'} are declared in the hookimpl"),
        ("@hookimpl\ndef components(): return None", "components() returned None, not a list"),
        ("@hookimpl\ndef components(): return 5", "components() returned 5, not a list"),
        ("@hookimpl\ndef components(): return Probe", "not a list of component classes"),
        ("@hookimpl\ndef components(): return {'a': Probe}", "not a list of component classes"),
        ("@hookimpl\ndef components(): return 'Probe'", "not a list of component classes"),
        ("@hookimpl\ndef components(): raise KeyError('x')", "KeyError: 'x'"),
        ("@hookimpl\ndef components(): return [Probe()]", "which is not a component class"),
        ("@hookimpl\ndef components(): return [int]", "<class 'int'>, which is not a component class"),
        ("@hookimpl\ndef components(): return [Model]", "framework.components.Model must be derived from"),
        ("@hookimpl\ndef components(): return [Probe, Probe]", "model 'probe' twice"),
    ],
)
def test_a_hook_without_valid_components_is_a_fault(install, hook, reason):
    assert reason in fault(install(GOOD, hook))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("class Bad(Model):\n    def build(self): ...", "Bad needs a name"),
        ("class Bad(Model):\n    name = 'Res Net'\n    def build(self): ...", "'Res Net'"),
        ("class Bad(Model):\n    name: str = 'bad'\n    def build(self): ...", "`name` is a field"),
        ("class Bad(Model):\n    name = 'bad'", "Bad does not implement build"),
        (
            "class Bad(Component):\n    name = 'bad'\n    def build(self): ...",
            "exactly one kind: Dataset, Task, Transform",
        ),
        ("class Bad(Model, Transform):\n    name = 'bad'\n    def build(self): ...", "exactly one kind: Dataset"),
        ("class Bad(Model):\n    name = 'bad'\n    kind = 'x'\n    def build(self): ...", "Bad is a model"),
        ("class Bad(Model):\n    name = 'bad'\n    aliases = 'Net'\n    def build(self): ...", "a tuple of names"),
        ("class Bad(Model):\n    name = 'bad'\n    shorthand = 'arch'\n    def build(self): ...", "shorthand 'arch'"),
        ("class Bad(Model):\n    name = 'bad'\n    x: 'Missing' = 3\n    def build(self): ...", "type is not defined"),
        ("class Bad(Model):\n    name = 'bad'\n    def build(): ...", "define `build` as a method"),
        ("class Bad(Model):\n    name = 'bad'\n    build = staticmethod(print)", "define `build` as a method"),
        (
            "class Bad(Model):\n    name = 'bad'\n    def build(self, classes): ...",
            "build(): classes; those of a model: num_classes, channels, image_size, sample",
        ),
        ("class Bad(Model):\n    name = 'bad'\n    def build(self, channels, /): ...", "build(): channels;"),
    ],
)
def test_an_invalid_class_is_named_and_the_others_are_used(install, body, reason):
    registry = install(GOOD, body, "@hookimpl\ndef components(): return [Bad, Probe]")
    assert reason in fault(registry)
    assert registry.find(Model, "probe")


def test_metadata_without_a_version_are_not_a_fault(install):
    registry = install(GOOD, OFFER, metadata="")
    assert registry.provider(Model, "probe").version == "unknown"


def test_prints_of_a_plugin_go_to_standard_error(install, capsys):
    install("print('hello')", GOOD, OFFER)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "hello\n")


def test_a_component_of_two_plugins_is_an_error_that_names_both(install):
    install(GOOD, OFFER, name="one")
    registry = install(GOOD, OFFER, name="two")
    with pytest.raises(UserError, match=r"model 'probe' .* plugin 'one' .* plugin 'two'"):
        registry.find(Model, "probe")
    assert len(registry.clashes) == 1


def test_a_component_of_two_plugins_does_not_affect_the_others(install):
    registry = install(GOOD.replace('"probe"', '"resnet18"'), OFFER)
    assert "resnet18" not in registry.names(Model)
    assert registry.find(Model, "resnet34")


def test_an_unknown_name_suggests_a_known_one_and_lists_plugins_that_failed(install):
    registry = install("raise RuntimeError('no licence')")
    with pytest.raises(UserError) as caught:
        registry.find(Optimizer, "sdg")
    assert "there is no optimizer 'sdg'; did you mean 'sgd'?" in str(caught.value)
    assert "plugin 'probe' has failed: RuntimeError: no licence" in str(caught.value)


def test_an_alias_is_suggested_and_not_accepted(install):
    source = GOOD.replace('name = "probe"', 'name = "probe"\n        aliases = ("TinyProbeNet",)')
    assert source != GOOD
    registry = install(source, OFFER)
    for written in ("TinyProbeNet", "tiny_probe_net", "RandomTinyProbeNet"):
        with pytest.raises(UserError, match="did you mean 'probe'"):
            registry.find(Model, written)


def test_a_plugin_that_imports_torch_is_listed_as_slow(install, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)  # so that what is there now is put back
    del sys.modules["torch"]
    pretended = 'import sys, types\nsys.modules["torch"] = types.ModuleType("torch")\n'  # as `import torch` does
    registry = install(pretended + textwrap.dedent(GOOD), textwrap.dedent(OFFER))
    assert [plugin.name for plugin in registry.plugins if plugin.slow] == ["probe"]
    assert [line.split(":")[0] for line in registry.slow] == ["plugin 'probe' is slow"]
    assert fault(registry) is None


def test_a_component_whose_variants_cannot_be_listed_has_none():
    class Odd(Model):
        name = "odd"
        shorthand = "arch"
        arch: str = ""

        @classmethod
        def variants(cls):
            raise ImportError("no zoo")

        def build(self): ...

    variants, reason = variants_of(Odd)
    assert variants == ()
    assert "ImportError: no zoo" in reason


def test_bundles_are_found_by_plugin_and_name(install, tmp_path):
    (tmp_path / "x.safetensors").touch()
    registry = install(
        GOOD,
        OFFER,
        f"""
        @hookimpl
        def bundles(): return {{"x": {str(tmp_path / "x.safetensors")!r}}}
    """,
    )
    assert registry.bundles["probe/x"] == tmp_path / "x.safetensors"
    assert fault(registry) is None


def test_a_bundle_of_two_plugins_is_an_error_that_names_both(install, tmp_path):
    file = tmp_path / "x.safetensors"
    file.touch()
    source = f"""
        from framework import hookimpl
        @hookimpl
        def bundles(): return {{"x": {str(file)!r}}}
    """
    install(source)
    registry = install(source)
    with pytest.raises(UserError, match=r"bundle 'probe/x' .* plugin 'probe' \(.*\) and plugin 'probe' \("):
        open_trained("probe/x", registry)
    assert "probe/x" not in registry.bundles
    assert "drawn/faces" in registry.bundles
    assert len(registry.clashes) == 1


def test_a_plugin_may_provide_only_bundles(install, tmp_path):
    (tmp_path / "x.safetensors").touch()
    registry = install(f"""
        from framework import hookimpl
        @hookimpl
        def bundles(): return {{"x": {str(tmp_path / "x.safetensors")!r}}}
    """)
    assert "probe/x" in registry.bundles
    assert fault(registry) is None


@pytest.mark.parametrize(
    ("offered", "message"),
    [
        ("['x']", "bundles() returned ['x'], not a mapping of names to files"),
        ("{'x': 'nowhere.safetensors'}", "no file 'nowhere.safetensors'"),
        ("{'x': 3}", "'x': 3"),
    ],
)
def test_an_invalid_bundle_is_a_fault_of_its_plugin(offered, message, install):
    registry = install(
        GOOD,
        OFFER,
        f"""
        @hookimpl
        def bundles(): return {offered}
    """,
    )
    assert message in fault(registry)
    assert registry.find(Model, "probe") or "not a mapping" in message
