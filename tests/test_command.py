"""python -m autoenc runs the notebooks, gathers what they made, and replaces nothing unless asked and all is well."""

import base64
import io
import json
import os
import re
from pathlib import Path

import nbformat
import nbformat.v4 as v4
import pytest

pytest.importorskip("nbclient", reason="nbclient is not installed")
pytest.importorskip("nbconvert", reason="nbconvert is not installed")
from autoenc.report import command  # noqa: E402
from autoenc.report.studies import JOBS, RERUN  # noqa: E402

from .test_slides import png  # noqa: E402

CLAIM = "from autoenc import claim, recorded\nclaim('it works', {}, at_least=0.9)"
FIGURE = "from base64 import b64decode\nfrom IPython.display import Image, display\ndisplay(Image(b64decode('{}')))"
README = "Above\n<!-- headlines -->\n{}\n<!-- end of headlines -->\nBelow"
TABLE = ("| part | holds | measured | claimed      | what |\n| ---- | ----- | -------- | ------------ | --- |\n"
         "| 01   | yes   | 0.95     | at least 0.9 | it works |")
STUDY = "def study():\n    return dict(seeds=[1, 2])\nrecorded('seeds', study)"


def notebook(*cells):
    """A notebook of code cells, each a source, or a pair of source and tag."""
    cells = [(cell, "none") if isinstance(cell, str) else cell for cell in cells]
    return v4.new_notebook(cells=[v4.new_markdown_cell("# A title", metadata={"slideshow": {"slide_type": "slide"}})] + [
        v4.new_code_cell(source, metadata={"tags": [tag]}) for source, tag in cells])


def figure(width, name):
    return FIGURE.format(png(width, 4)), f"figure:{name}"


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A folder with notebooks 01 and 02, and an old figure, in which the command is run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(RERUN, "")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent))
    for folder in "notebooks", "figures":
        (tmp_path / folder).mkdir()
    (tmp_path / "figures" / "old.png").write_bytes(b"old")
    (tmp_path / "README.md").write_text(README.format("old"))
    save(tmp_path, "01_one", notebook((CLAIM.format(0.95), "headline"), figure(5, "five")))
    save(tmp_path, "02_two", notebook("1 + 1", figure(6, "six")))
    return tmp_path


def save(house, name, made):
    nbformat.write(made, house / "notebooks" / f"{name}.ipynb")


def files(house, folder):
    """What a folder holds: {path within it: bytes}."""
    return {str(path.relative_to(house / folder)): path.read_bytes()
            for path in sorted((house / folder).rglob("*")) if path.is_file()}


def test_a_run_gathers_everything_in_build_and_changes_nothing_else(house, capsys):
    before = files(house, "notebooks"), files(house, "figures")
    assert not command.main([])
    assert (files(house, "notebooks"), files(house, "figures")) == before
    assert (house / "README.md").read_text() == README.format("old")
    made = files(house, "build")
    assert made.keys() == {"01_one.log", "02_two.log", "notebooks/01_one.ipynb", "notebooks/02_two.ipynb", "figures/five.png",
                           "figures/six.png", "slides/01_one.slides.html", "slides/02_two.slides.html",
                           "pages/01_one.html", "pages/02_two.html", "index.html"}
    assert made["figures/five.png"] == base64.b64decode(png(5, 4))
    executed = nbformat.read(io.StringIO(made["notebooks/02_two.ipynb"].decode()), as_version=4)
    assert [cell.get("execution_count") for cell in executed.cells] == [None, 1, 2]
    assert executed.cells[1].outputs[0].data["text/plain"] == "2"
    assert "execution" not in executed.cells[1].metadata and "widgets" not in executed.metadata
    assert executed.metadata.language_info.file_extension == ".py" and "version" not in executed.metadata.language_info
    assert b"<title>A title" in made["slides/01_one.slides.html"] and png(5, 4).encode() in made["slides/01_one.slides.html"]
    output, bars = capsys.readouterr()
    assert "01_one.ipynb: 100%" in bars and "02_two.ipynb: 100%" in bars
    *lines, last = output.splitlines()
    assert "\n".join(lines) == TABLE and "build" in last


def test_update_replaces_notebooks_figures_and_the_table_of_headlines_and_nothing_else(house):
    assert not command.main(["--update"])
    assert files(house, "notebooks") == files(house, "build/notebooks")
    assert files(house, "figures") == {**files(house, "build/figures"), "old.png": b"old"}
    assert files(house, "figures").keys() == {"five.png", "six.png", "old.png"}
    assert (house / "README.md").read_text() == README.format(TABLE)


def test_update_of_one_notebook_leaves_the_others_and_their_figures(house):
    (house / "build" / "figures").mkdir(parents=True)
    (house / "build" / "figures" / "old.png").write_bytes(b"of an earlier run")
    before = files(house, "notebooks")
    assert not command.main(["02", "--update"])
    after = files(house, "notebooks")
    assert after["01_one.ipynb"] == before["01_one.ipynb"] and after["02_two.ipynb"] != before["02_two.ipynb"]
    assert files(house, "figures").items() >= {"old.png": b"old", "six.png": base64.b64decode(png(6, 4))}.items()


@pytest.mark.parametrize("bad, complaint", [
    (CLAIM.format(0.8), "AssertionError: it works: measured 0.8, claimed at least 0.9"),
    ("import os\nos._exit(1)", "died")], ids=["claim", "dead kernel"])
def test_a_cell_that_fails_is_named_and_nothing_is_replaced(house, capfd, bad, complaint):
    save(house, "02_two", notebook("1 + 1", "", bad, figure(6, "six")))
    for name in "slides/02_two.slides.html", "pages/02_two.html":
        (house / "build" / name).parent.mkdir(parents=True)
        (house / "build" / name).write_text("of an earlier run")
    before = files(house, "notebooks"), files(house, "figures")
    failed = command.main(["--update"])
    assert (files(house, "notebooks"), files(house, "figures")) == before
    assert (house / "README.md").read_text() == README.format("old")
    assert failed.startswith("02_two.ipynb: FAILED in code cell 2: ") and complaint in failed       # In [2]: empty ones don't count
    made = files(house, "build")
    assert not {"slides/02_two.slides.html", "pages/02_two.html", "figures/six.png"} & made.keys()
    assert nbformat.reads(made["notebooks/02_two.ipynb"].decode(), as_version=4).cells[-1].source == bad
    if "claim" in bad:
        assert "NO" in capfd.readouterr().out


# Whatever goes wrong with a notebook is its own failure: what was executed is written, the others run, and the table comes

def broken(house, content):
    (house / "notebooks" / "01_one.ipynb").write_bytes(content)


@pytest.mark.parametrize("content", [
    b"", b"{", b"[]", b'{"cells": 3}', b"\xff\xfe", b"null",
    b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{}]}',
    b'{"nbformat": 99, "nbformat_minor": 5, "metadata": {}, "cells": []}'], ids=repr)
def test_a_notebook_that_cannot_be_read_is_named(house, capsys, content):
    broken(house, content)
    assert command.main(["01"]).startswith("01_one.ipynb: FAILED cannot be read: ")
    assert "| part | holds |" in capsys.readouterr().out


def test_a_notebook_that_cannot_be_read_leaves_the_others(house, capsys):
    save(house, "02_two", notebook(CLAIM.format(0.95)))
    broken(house, b"{")
    assert command.main([]).startswith("01_one.ipynb: FAILED cannot be read: NotJSONError")
    assert "| 02   | yes   | 0.95     | at least 0.9 | it works |" in capsys.readouterr().out
    assert {"notebooks/02_two.ipynb", "slides/02_two.slides.html"} <= files(house, "build").keys()


def test_a_notebook_that_cannot_be_exported_is_written_and_leaves_the_others(house, capsys, text=r"$\foo$"):
    made = notebook((CLAIM.format(0.95), "headline"), figure(5, "five"))
    made.cells.append(v4.new_markdown_cell(text, metadata={"slideshow": {"slide_type": "slide"}}))
    save(house, "01_one", made)
    before = files(house, "notebooks"), files(house, "figures")
    failed = command.main(["--update"])
    assert failed.startswith("01_one.ipynb: FAILED to be exported: ") and r"\foo" in failed
    assert (files(house, "notebooks"), files(house, "figures")) == before
    assert {"notebooks/01_one.ipynb", "figures/five.png", "notebooks/02_two.ipynb", "slides/02_two.slides.html"} <= files(house, "build").keys()
    assert TABLE.splitlines()[-1] in capsys.readouterr().out


def test_claims_about_no_number_are_in_the_table(house, capsys):
    """NaN, infinities and what is too large to be written with all its digits; those that do not hold come last."""
    numbers = {"float('nan')": "nan", "float('inf')": "∞", "-float('inf')": "−∞", "1e300": "1×10³⁰⁰"}
    cells = [(f"from autoenc import claim\nclaim('it works', {measured}, {bound}=1)", "raises-exception")
             for measured in numbers for bound in ("at_most", "at_least")]
    save(house, "01_one", notebook(*cells))
    assert "FAILED to be exported" in command.main(["01"]), "which have no place for failed cells"
    rows = [[part.strip() for part in line.split("|")[2:5]] for line in capsys.readouterr().out.splitlines()[2:-1]]
    assert rows == [["NO", "nan", "at most 1"], ["NO", "nan", "at least 1"], ["NO", "∞", "at most 1"], ["yes", "∞", "at least 1"],
                    ["yes", "−∞", "at most 1"], ["NO", "−∞", "at least 1"], ["NO", "1×10³⁰⁰", "at most 1"],
                    ["yes", "1×10³⁰⁰", "at least 1"]]
    made = files(house, "build")["notebooks/01_one.ipynb"].decode()
    json.loads(made, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def test_metadata_that_look_like_a_claim_do_not_disturb_the_table():
    claims = ["x", None, {}, {"claim": 3}, dict(claim="old", holds=True, required="at least 1", measured=2.0),
              dict(claim="none", holds=False, required="true", measured=None)]
    outputs = [v4.new_output("display_data", {"text/plain": "x"}, metadata={"claim": claim}) for claim in claims]
    made = v4.new_notebook(cells=[v4.new_code_cell("", outputs=outputs)])
    rows = [" ".join(line.split()) for line in command.results({Path("01_one"): made}).splitlines()[2:]]
    assert rows == ["| 01 | yes | 2 | at least 1 | old |", "| 01 | NO | None | true | none |"]


def test_a_picture_that_is_none_and_a_name_that_leads_elsewhere_are_the_notebook_s_failures(house):
    bad = "from IPython.display import display\ndisplay({'image/png': 'é'}, raw=True)"
    save(house, "01_one", notebook((bad, "figure:one")))
    assert command.main([]).startswith("01_one.ipynb: FAILED its figures cannot be gathered: ")
    save(house, "01_one", notebook(figure(5, "../../outside")))
    assert "'figure:../../outside' must name" in command.main([])
    assert "notebooks/01_one.ipynb" in files(house, "build") and not list(house.glob("**/outside*"))


def test_half_a_pair_of_surrogates_in_an_output_is_written(house):
    save(house, "01_one", notebook("'\\ud83d'", CLAIM.format(0.8)))
    assert "measured 0.8" in command.main([])
    made = json.loads(files(house, "build")["notebooks/01_one.ipynb"].decode())
    assert len(made["cells"]) == 3 and "\\ud83d" in made["cells"][1]["outputs"][0]["data"]["text/plain"][0]


def test_a_kernel_that_does_not_start_is_a_failure(house, monkeypatch):
    def no_kernel(self, **_):
        raise RuntimeError("Kernel died before replying to kernel_info")

    monkeypatch.setattr(command.NotebookClient, "setup_kernel", no_kernel)
    assert command.main(["01"]) == ("01_one.ipynb: FAILED before its first cell: RuntimeError: "
                                    "Kernel died before replying to kernel_info")


def test_nothing_of_the_reader_s_settings_reaches_a_notebook(house, monkeypatch):
    """Start-up files of IPython, its configuration, and matplotlib's settings, from the places where readers have them."""
    home = house / "home"
    for folder in ".ipython/profile_default/startup", ".config/matplotlib", ".matplotlib":
        (home / folder).mkdir(parents=True)
    (home / ".ipython/profile_default/startup/00.py").write_text("dark = True\nimport matplotlib; matplotlib.rcParams['lines.linewidth'] = 7")
    (home / ".ipython/profile_default/ipython_config.py").write_text("c.InteractiveShellApp.exec_lines = ['dark = True']")
    for folder in home / ".config/matplotlib", home / ".matplotlib":
        (folder / "matplotlibrc").write_text("lines.linewidth: 7")
    for name, value in dict(HOME=home, IPYTHONDIR=home / ".ipython", MATPLOTLIBRC=home / ".matplotlib/matplotlibrc", MPLBACKEND="svg").items():
        monkeypatch.setenv(name, str(value))
    save(house, "01_one", notebook("import matplotlib\n(matplotlib.rcParams['lines.linewidth'], 'dark' in globals(), matplotlib.get_backend())"))
    assert not command.main(["01"])
    executed = nbformat.reads(files(house, "build")["notebooks/01_one.ipynb"].decode(), as_version=4)
    linewidth, dark, backend = eval(executed.cells[1].outputs[0].data["text/plain"])
    assert (linewidth, dark) == (1.5, False) and "inline" in backend


def test_a_script_of_an_executed_notebook_is_python(house):
    from nbconvert import ScriptExporter
    assert not command.main(["01"])
    _, resources = ScriptExporter().from_filename(str(house / "build" / "notebooks" / "01_one.ipynb"))
    assert resources["output_extension"] == ".py"


# The table in README.md

@pytest.mark.parametrize("text, complaint", [
    (None, "README.md cannot be read"), (b"\xff", "README.md cannot be read"), (b"no markers", "no lines <!-- headlines -->"),
    (b"<!-- end of headlines --> <!-- headlines -->", "no lines <!-- headlines -->")])
def test_a_readme_without_a_place_for_the_table_is_noticed_before_anything_runs(house, text, complaint):
    (house / "README.md").unlink()
    if text:
        (house / "README.md").write_bytes(text)
    before = files(house, "notebooks"), files(house, "figures")
    with pytest.raises(SystemExit, match=complaint):
        command.main(["--update"])
    assert (files(house, "notebooks"), files(house, "figures")) == before and not (house / "build/notebooks/01_one.ipynb").exists()
    assert not command.main(["01"]), "which needs no README.md"


def test_another_notebook_that_cannot_be_read_is_noticed_before_anything_is_replaced(house):
    broken(house, b"{")
    before = files(house, "notebooks"), files(house, "figures")
    with pytest.raises(SystemExit, match="01_one.ipynb: FAILED cannot be read.*nothing was replaced"):
        command.main(["02", "--update"])
    assert (files(house, "notebooks"), files(house, "figures")) == before


def test_whatever_a_claim_says_is_one_row_of_the_table(house):
    texts = ["a | b", "a\nb", "a\r\n\r\n| b |", "<b>a</b> & b", r"a \| b"]
    save(house, "01_one", notebook(*((f"from autoenc import claim\nclaim({text!r}, 1, at_least=0)", "headline") for text in texts)))
    assert not command.main(["01", "--update"])
    lines = (house / "README.md").read_text("utf-8").splitlines()
    assert lines[:2] == ["Above", "<!-- headlines -->"] and lines[-2:] == ["<!-- end of headlines -->", "Below"]
    assert len(lines) == 6 + len(texts)
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 6 and "<b>" not in line for line in lines[4:-2])


# Choices

def test_an_error_that_a_cell_may_raise_is_not_the_one_that_fails(house):
    save(house, "01_one", notebook(("1 / 0", "raises-exception"), "oops"))
    assert command.main(["01"]).startswith("01_one.ipynb: FAILED in code cell 2: NameError")


def test_rerun_writes_the_recorded_study(house):
    save(house, "01_one", notebook(CLAIM.format(1), STUDY))
    assert "recorded" in command.main(["01"]), "it was never recorded"
    assert not command.main(["01", "--rerun"])
    assert json.loads((house / "notebooks" / "recorded" / "seeds.json").read_text())["results"] == {"seeds": [1, 2]}


def test_jobs_spread_the_cases_of_a_notebook_s_study_over_processes(house):
    pytest.importorskip("joblib", reason="joblib is not installed: pip install joblib")
    study = """import os, time
from autoenc import recorded
class Square:
    def of(self, n):
        return n * n
def squares(n):
    time.sleep(0.3)
    return dict(square=Square().of(n), process=os.getpid())
results = recorded('squares', squares, [dict(n=n) for n in range(6)])
[result['square'] for result in results], len({result['process'] for result in results} - {os.getpid()})"""
    save(house, "01_one", notebook(study))
    assert not command.main(["01", "--rerun", "squares", "--jobs", "2"])
    executed = nbformat.reads(files(house, "build")["notebooks/01_one.ipynb"].decode(), as_version=4)
    assert executed.cells[1].outputs[0].data["text/plain"] == "([0, 1, 4, 9, 16, 25], 2)"


@pytest.mark.parametrize("arguments, asked, jobs", [
    ("01", "", "1"), ("01 --rerun", "all", "1"), ("--rerun 01", "all", "1"), ("01 --rerun seeds", "seeds", "1"),
    ("--rerun seeds sizes --jobs 3", "seeds sizes", "3"), ("--rerun seeds 01", "seeds", "1"), ("--rerun --jobs 2 01", "all", "2")])
def test_a_notebook_is_told_which_studies_to_rerun_and_in_how_many_processes(house, monkeypatch, arguments, asked, jobs):
    save(house, "01_one", notebook(STUDY, "recorded('sizes', study)"))
    told = []
    monkeypatch.setattr(command, "run", lambda path: told.append((path.name[:2], os.environ[RERUN], os.environ[JOBS]))
                        or (v4.new_notebook(), None))
    assert not command.main(arguments.split())
    assert told == [(number, asked, jobs) for number in (["01"] if "01" in arguments else ["01", "02"])]


@pytest.mark.parametrize("arguments, complaint", [
    ("--rerun sizes", "'sizes' is not the name of a study, of seeds"), ("02 --rerun seeds", "'seeds' is not the name of a study"),
    ("--jobs 0", "--jobs was 0; it must be at least 1"), ("--jobs two", "--jobs")])
def test_what_cannot_be_rerun_is_named_before_anything_runs(house, capsys, arguments, complaint):
    save(house, "01_one", notebook(STUDY))
    with pytest.raises(SystemExit):
        command.main(arguments.split())
    assert complaint in capsys.readouterr().err and not (house / "build").exists()


def test_an_unknown_name_is_refused_before_anything_runs(house, capsys):
    with pytest.raises(SystemExit):
        command.main(["01", "03", "--rerun"])
    assert re.search("invalid choice: '03' .*01.*02", capsys.readouterr().err)
    assert not (house / "build").exists() and not (house / "notebooks" / "recorded").exists()


def test_in_a_folder_without_notebooks_it_says_where_to_run(house, monkeypatch):
    for path in (house / "notebooks").iterdir():
        path.unlink()
    with pytest.raises(SystemExit, match="README.md"):
        command.main([])
    monkeypatch.chdir(house / "figures")
    with pytest.raises(SystemExit, match="README.md"):
        command.main([])


@pytest.mark.parametrize("place", ["build", "build/figures", "build/notebooks", "build/slides"])
def test_a_build_folder_that_cannot_be_written_is_one_clear_error(house, place):
    (house / place).parent.mkdir(exist_ok=True)
    (house / place).write_text("a file")
    with pytest.raises(SystemExit, match="^Cannot write to .*build"):
        command.main(["01"])
    assert (house / place).read_text() == "a file"


def test_help_explains_itself(capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(["--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert all(word in text for word in ("--update", "--rerun", "build/"))


def test_ctrl_c_ends_it_with_one_line(house, monkeypatch):
    save(house, "01_one", notebook(STUDY))

    def interrupted(path):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "run", interrupted)
    with pytest.raises(SystemExit, match="^Interrupted"):
        command.main(["01"])
