"""`framework plugins`, with a working and a broken plugin."""

import json
from pathlib import Path

STRANGER = Path(__file__).parents[1] / "stranger"
BROKEN = Path(__file__).parents[1] / "broken"


def test_a_plugin_is_listed_with_its_components(framework):
    result = framework("plugins")
    assert result.status == 0
    assert "stranger  (framework-stranger 1.2)" in result.out
    assert "  datasets: dots" in result.out


def test_plugins_as_json(framework):
    plugins = {plugin["name"]: plugin for plugin in json.loads(framework("plugins", "--json").out)["plugins"]}
    assert plugins["stranger"]["version"] == "1.2"
    assert "tinynet" in plugins["stranger"]["components"]["models"]
    assert plugins["stranger"]["fault"] is None


def test_a_broken_plugin_is_reported_and_the_status_is_1(start_framework):
    process = start_framework("plugins", plugins=[BROKEN])
    out, _ = process.communicate()
    assert process.returncode == 1
    assert "broken  (framework-broken 0.3)\n  FAILED: RuntimeError: the licence server is down" in out


def test_a_broken_plugin_does_not_affect_others(start_framework):
    process = start_framework("check", "fer2013_resnet18", "model=tinynet", plugins=[BROKEN, STRANGER])
    assert process.communicate() == ("fer2013_resnet18: valid (fer2013, tinynet, 8 epochs)\n", "")


def test_list_reports_a_broken_plugin_on_standard_error(start_framework):
    process = start_framework("list", "losses", "--json", plugins=[BROKEN])
    out, err = process.communicate()
    assert "cross_entropy" in json.loads(out)["losses"]
    assert "plugin 'broken' has failed: RuntimeError: the licence server is down" in err


def test_an_unknown_name_reports_a_broken_plugin(start_framework):
    process = start_framework("check", "fer2013_resnet18", "model=broken_net", plugins=[BROKEN])
    _, err = process.communicate()
    assert process.returncode == 2
    assert "plugin 'broken' has failed: RuntimeError: the licence server is down" in err
