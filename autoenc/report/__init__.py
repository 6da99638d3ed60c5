"""The report: what turns notebooks that use the networks into a course report.

The upper of the package's two floors.  It draws (`plots`), lets a reader move through a latent plane (`explorer`),
states claims (`claims`), keeps recorded studies (`studies`), exports decks of slides (`slides`) and runs it all
(`command`).  The networks, one floor below, know nothing of it, and need none of what it needs, the extra `report` in
pyproject.toml.
"""

import re
import sys
from importlib import import_module, metadata


def __getattr__(name):
    """`from autoenc.report import plots` and the like, with the line that installs what is missing."""
    if name in ("plots", "explorer", "slides", "pages", "command"):
        return needs(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def needs(name):
    """Import a module that is not needed below; a ModuleNotFoundError with the line that installs it, if it is missing."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(how_to_install(error.name), name=error.name) from None


def publish(data, metadata=None):
    """Show data, {kind: content} with "text/plain" among the kinds: as a notebook's output, or print it as text in a script."""
    shell = needs("IPython.core.interactiveshell").InteractiveShell
    if shell.initialized():
        needs("IPython.display").display(data, raw=True, metadata=metadata)
    else:
        encoding = sys.stdout.encoding or "utf-8"
        print(data["text/plain"].encode(encoding, "replace").decode(encoding))     # some have no ✓


def how_to_install(missing):
    """What to say when a module is missing: the line that installs all that the report needs and that is not there."""
    try:
        lines = metadata.requires("autoenc") or []
        requirements = [line.partition(";")[0].strip() for line in lines if re.search("extra == .report.", line)]
    except metadata.PackageNotFoundError:               # it runs from a folder where it was never installed
        requirements = []
    absent = [f'"{requirement}"' for requirement in requirements if not _is_installed(re.match(r"[\w.-]+", requirement)[0])]
    return (f"{missing} is not installed, and the report needs it: "
            f"{sys.executable} -m pip install {' '.join(absent) or '-r requirements.txt'}")


def _is_installed(name):
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True
