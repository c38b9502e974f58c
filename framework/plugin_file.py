"""A plugin from a single Python file: `framework run my.yaml --plugin my_model.py`.

The file is executed once. Its component classes are the plugin's components, unless it has a hook `components()`. A
fault is the user's to correct: it is raised with file and line, not recorded as that of an installed plugin.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import inspect
import sys
from pathlib import Path
from types import ModuleType

from framework.attribution import FILE, GROUP, line_in, reason_of
from framework.component_checks import fault_of
from framework.components import Component
from framework.errors import UserError
from framework.plugin import Plugin
from framework.plugin_loading import hooks_of, valid_bundles, valid_components

DIGITS = 12
"""Of the SHA-256, in place of a version."""


def load_plugin_file(file: Path) -> Plugin:
    """The plugin in that file; raises `UserError` with the line of a fault."""
    content = _content(file)
    with contextlib.redirect_stdout(sys.stderr):  # what it prints is not part of a command's output
        module = _module(file, content)
        faults: list[str] = []
        try:
            components, bundles = _offers(module, file, faults)
        except Exception as error:
            raise _located(file, error) from error
    if faults:
        raise UserError("\n".join(_with_line(fault, module, file) for fault in faults))
    digest = hashlib.sha256(content).hexdigest()
    return Plugin(
        file.stem, module.__name__, file.name, digest[:DIGITS], str(file), components, bundles, source=content
    )  # fmt: skip


def sha256_of(file: Path) -> str | None:
    """The digest of the file's content; None where it cannot be read."""
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return None


def _content(file: Path) -> bytes:
    if file.suffix != ".py":
        raise UserError(f"--plugin {file}: not a Python file; its name must end in .py")
    try:
        return file.read_bytes()
    except OSError as error:
        raise UserError(f"--plugin {file}: cannot be read: {error.strerror or error}") from None


def _module(file: Path, content: bytes) -> ModuleType:
    """The executed file. One file of one content is one module, so that its classes are the same wherever used."""
    path = str(file.resolve())
    digest = hashlib.sha256(path.encode(errors="surrogateescape") + b"\0" + content).hexdigest()
    name = f"{file.stem.replace('.', '_')}@{digest[:DIGITS]}"
    if name in sys.modules:
        return sys.modules[name]
    module = ModuleType(name)
    module.__file__ = path
    setattr(module, FILE, str(file))
    sys.modules[name] = module  # pydantic and pickle look for classes there
    try:
        exec(compile(content, str(file), "exec"), vars(module))
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, (KeyboardInterrupt, GeneratorExit)):
            raise
        raise _located(file, error) from error
    return module


def _offers(module: ModuleType, file: Path, faults: list[str]) -> tuple[tuple[type[Component], ...], dict[str, Path]]:
    """The components and bundles of the module; their faults are added to `faults`."""
    classes = [value for name, value in vars(module).items() if _is_component(value, module) and name[0] != "_"]
    components = tuple(dict.fromkeys(classes))
    if not any(hasattr(value, f"{GROUP}_impl") for value in vars(module).values()):
        faults += [fault for component in components if (fault := fault_of(component))]
        if not components:
            faults.append("defines no component; derive a class from `framework.Model` or another kind")
        return components, {}
    hooks = hooks_of(module, file.stem)
    if hooks.components.get_hookimpls():
        components = valid_components(hooks, faults)
    return components, valid_bundles(hooks, faults)


def _is_component(value: object, module: ModuleType) -> bool:
    return isinstance(value, type) and issubclass(value, Component) and value.__module__ == module.__name__


def _located(file: Path, error: BaseException) -> UserError:
    """The error with the line of the file that caused it."""
    if isinstance(error, SyntaxError) and error.filename == str(file):
        return UserError(f"{file}:{error.lineno}: SyntaxError: {error.msg}")
    line = line_in(str(file), error)
    hint = ""
    if isinstance(error, ModuleNotFoundError) and error.name and file.with_name(f"{error.name}.py").is_file():
        hint = (
            f"\n    A plugin file cannot import the file '{error.name}.py' beside it: put both into one file, or write "
            "a plugin package"
        )
    return UserError(f"{file}{f':{line}' if line else ''}: {reason_of(error)}{hint}")


def _with_line(fault: str, module: ModuleType, file: Path) -> str:
    """A fault that begins with the full name of a class, with the line of the class in its place."""
    label, _, rest = fault.partition(" ")
    if not label.startswith(f"{module.__name__}."):
        return f"{file}: {fault}"
    qualified = label.removeprefix(f"{module.__name__}.")
    try:
        line = f":{inspect.getsourcelines(functools.reduce(getattr, qualified.split('.'), module))[1]}"
    except (AttributeError, OSError, TypeError):
        line = ""
    return f"{file}{line}: {qualified} {rest}"
