"""Commands that plugins add to the command line."""

import itertools
import json
import sys
from pathlib import Path

import pytest

from framework import Registry
from framework.cli.plugin_commands import OWN

STRANGER = Path(__file__).parents[1] / "stranger"
NUMBERS = itertools.count()


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a plugin of that name with these commands (name: source of its module); returns the package."""

    def install(plugin, commands):
        package = f"framework_commands_{next(NUMBERS)}"
        (tmp_path / package).mkdir()
        offered = [f"Command({name!r}, 'a test', '{package}.{name.replace('-', '_')}')" for name in commands]
        hook = f"@hookimpl\ndef commands():\n    return [{', '.join(offered)}]\n"
        (tmp_path / package / "__init__.py").write_text(f"from framework import Command, hookimpl\n{hook}")
        for name, source in commands.items():
            (tmp_path / package / f"{name.replace('-', '_')}.py").write_text(source)
        info = tmp_path / f"{package}-0.1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 0.1\n")
        (info / "entry_points.txt").write_text(f"[framework]\n{plugin} = {package}\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        return package

    return install


def command(body, configure="pass"):
    return f"def configure(parser):\n    {configure}\ndef execute(arguments):\n    {body}\n"


def test_the_command_of_a_stranger_is_called_with_its_arguments(framework):
    result = framework("hello", "Ada")
    assert (result.status, result.out, result.err) == (0, "hello Ada\n", "")
    assert framework("hello", "Ada", "--fail").status == 3


def test_a_stranger_needs_at_most_15_lines():
    assert len((STRANGER / "framework_stranger" / "hello.py").read_text().splitlines()) <= 15


def test_the_help_lists_it_under_its_plugin(framework):
    lines = framework("--help").out.splitlines()
    group = lines.index("from plugin stranger (framework-stranger 1.2)")
    assert lines[group + 1].split() == ["hello", "print", "a", "greeting"]


def test_the_plugins_of_the_framework_itself_add_no_command():
    """`framework --help` and unknown commands do not load them."""
    assert [plugin.name for plugin in Registry.load().plugins if plugin.distribution == OWN and plugin.commands] == []


def test_it_has_a_help_of_its_own(framework, capfd):
    with pytest.raises(SystemExit) as ended:
        framework("hello", "--help")
    assert ended.value.code == 0
    out = capfd.readouterr().out
    assert out.startswith("usage: framework hello")
    assert "Print a greeting." in out


def test_its_module_is_imported_only_when_it_is_called(framework):
    sys.modules.pop("framework_stranger.hello", None)
    framework("--help")
    framework("plugins")
    assert "framework_stranger.hello" not in sys.modules
    framework("hello", "Ada")
    assert "framework_stranger.hello" in sys.modules


def test_plugins_lists_it(framework):
    plugins = {plugin["name"]: plugin for plugin in json.loads(framework("plugins", "--json").out)["plugins"]}
    assert plugins["stranger"]["commands"] == {"hello": "print a greeting"}
    assert "  commands: hello" in framework("plugins").out


def test_a_misspelt_command_of_a_plugin_brings_the_nearest(framework):
    result = framework("helo")
    assert result.status == 2
    assert "did you mean 'hello'?" in result.err


@pytest.mark.parametrize(
    ("source", "where", "reason"),
    [
        ("import not_installed_anywhere", "the import of", "ModuleNotFoundError"),
        (command("pass", "parser.add_argument('a', 'b')"), "configure()", "ValueError"),
        (command("return 1 / 0"), "execute()", "ZeroDivisionError"),
        (command("return 'done'"), "execute()", "TypeError"),
        ("def configure(parser): pass", "execute()", "AttributeError"),
    ],
)
def test_the_fault_of_a_command_names_its_plugin(framework, install, source, where, reason):
    package = install("odd", {"odd": source})
    result = framework("odd")
    assert result.status == 2
    assert "command 'odd'" in result.err
    assert f"{where}" in result.err
    assert reason in result.err
    assert f"plugin 'odd' ({package} 0.1)" in result.err
    assert "Traceback" not in result.err
    assert "Traceback" in framework("odd", "--debug").err


def test_a_user_s_error_and_an_exit_of_a_command_are_left_as_they_are(framework, install):
    source = "from framework import UserError\n" + command("raise UserError('name a file')")
    install("odd", {"odd": source, "exits": "import sys\n" + command("sys.exit(7)")})
    assert (framework("odd").status, framework("odd").err) == (2, "name a file\n")
    with pytest.raises(SystemExit) as ended:
        framework("exits")
    assert ended.value.code == 7


def test_a_name_that_two_plugins_offer_names_both_and_stops_only_that_command(framework, install):
    install("one", {"odd": command("print(1)"), "fine": command("print('fine')")})
    install("two", {"odd": command("print(2)")})
    result = framework("odd")
    assert result.status == 2
    assert "'one'" in result.err
    assert "'two'" in result.err
    assert framework("fine").out == "fine\n"
    assert framework("plugins").status == 1


def test_a_command_of_the_framework_is_not_replaced(framework, install):
    install("odd", {"check": command("print('mine')"), "data": command("print('mine')")})
    assert "valid" in framework("check", "fer2013_resnet18").out
    assert "mine" not in framework("data").out
    clashes = json.loads(framework("plugins", "--json").out)["clashes"]
    assert [("'odd'" in line, "'check'" in line or "'data'" in line) for line in clashes] == [(True, True)] * 2
    assert "from plugin odd" not in framework("--help").out


def test_a_command_that_cannot_be_one_is_a_fault_of_its_plugin(framework, install):
    install("odd", {"Two Words": "", "fine": command("print('fine')")})
    plugins = {plugin["name"]: plugin for plugin in json.loads(framework("plugins", "--json").out)["plugins"]}
    assert "'Two Words'" in plugins["odd"]["fault"]
    assert framework("fine").out == "fine\n"
    assert "plugin 'odd'" in framework("--help").err
