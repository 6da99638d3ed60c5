"""Recorded studies: results are those of their function, case by case, in this process, in others, and after an interruption."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from autoenc.report import studies
from autoenc.report.studies import JOBS, RERUN, recorded

ROOT = Path(__file__).parent.parent
RUNS = []


def study():
    RUNS.append(1)
    return {"seeds": np.arange(3), "rate": np.float32(1 / 3), "errors": {"Adam": np.array([[12345.678, 0]]), "none": ()},
            "name": "é", "met": True, "epochs": 123456}


def failing():
    raise RuntimeError("half way")


def no_dictionary():
    return [1, 2]


def object_inside():
    return {"object": object()}


WRITTEN = {"seeds": [0, 1, 2], "rate": 0.3333, "errors": {"Adam": [[12350.0, 0.0]], "none": []},
           "name": "é", "met": True, "epochs": 123456}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of recorded studies, empty, beside the notebook that runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(RERUN, raising=False)
    monkeypatch.delenv(JOBS, raising=False)
    RUNS.clear()
    (tmp_path / "recorded").mkdir()
    return tmp_path / "recorded"


@pytest.fixture
def rerun(folder, monkeypatch):
    monkeypatch.setenv(RERUN, "all")
    return folder


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# One call

def test_a_rerun_runs_the_study_and_writes_lists_of_four_digits(rerun):
    assert recorded("rates", study) == WRITTEN and len(RUNS) == 1
    assert names(rerun) == ["rates.json"]


def test_without_a_rerun_it_reads_what_was_written(rerun, monkeypatch):
    recorded("rates", study)
    monkeypatch.setenv(RERUN, "")
    assert recorded("rates", study) == WRITTEN and len(RUNS) == 1


def test_a_rerun_of_other_studies_leaves_this_one(rerun, monkeypatch):
    recorded("rates", study)
    monkeypatch.setenv(RERUN, "rate sizes")
    assert recorded("rates", study) == WRITTEN and len(RUNS) == 1
    monkeypatch.setenv(RERUN, "sizes rates")
    assert recorded("rates", study) == WRITTEN and len(RUNS) == 2


def test_the_same_study_is_the_same_bytes(rerun):
    recorded("one", study), recorded("two", study)
    assert (rerun / "one.json").read_bytes() == (rerun / "two.json").read_bytes()


def test_each_line_of_the_source_and_each_result_has_a_line(rerun):
    recorded("rates", study)
    lines = (rerun / "rates.json").read_text("utf-8").splitlines()
    assert lines[1] == '  "def study():",' and '  "rate": 0.3333,' in lines and lines[-1] == '  "epochs": 123456}}'


@pytest.mark.parametrize("broken, error, message", [
    (failing, RuntimeError, "half way"), (no_dictionary, TypeError, "without cases was .*; it must be a dictionary"),
    (object_inside, TypeError, "among the results was <object.*; it must be an array, or what JSON can hold")])
def test_a_study_that_fails_leaves_the_old_results(rerun, broken, error, message):
    recorded("rates", study)
    before = (rerun / "rates.json").read_bytes()
    with pytest.raises(error, match=message):
        recorded("rates", broken)
    assert (rerun / "rates.json").read_bytes() == before
    assert names(rerun) == ["rates.json"]


# What an error says is what is wrong

def test_a_study_that_was_never_recorded_says_how_to_record_it(folder):
    with pytest.raises(ValueError, match="rates.json is not there.* python -m autoenc --rerun rates$"):
        recorded("rates", study)
    assert not RUNS


def test_results_of_another_version_of_the_function_are_refused_with_the_line_that_differs(rerun, monkeypatch):
    recorded("rates", study)
    monkeypatch.delenv(RERUN)
    path = rerun / "rates.json"
    path.write_text(path.read_text().replace("RUNS.append(1)", "RUNS.append(2)"))
    with pytest.raises(ValueError, match=r"another version of study: line 2 .* was 'RUNS.append\(2\)' and is 'RUNS.append\(1\)'"):
        recorded("rates", study)
    path.write_text(path.read_text().replace('"    RUNS.append(2)",\n', "").replace('"def study():"', '"def study():", "    RUNS.append(1)"'))
    recorded("rates", study)
    path.write_text(path.read_text().replace('123456}"\n]', '123456}",\n""]'))
    with pytest.raises(ValueError, match="its source had 5 lines and has 4"):
        recorded("rates", study)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"results": 3}'])
def test_a_file_that_is_no_recorded_study_is_named(folder, text):
    (folder / "rates.json").write_text(text)
    with pytest.raises(ValueError, match="rates.json is not the file of a recorded study"):
        recorded("rates", study)


@pytest.mark.parametrize("asked", ["", "all"])
def test_where_the_folder_is_not_here_it_says_so_and_where_one_stands(tmp_path, monkeypatch, asked):
    (tmp_path / "notebooks" / "recorded").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(RERUN, asked)
    RUNS.clear()
    with pytest.raises(ValueError, match="the folder 'recorded' .* is not here, in ") as error:
        recorded("rates", study)
    assert f"there is one in {tmp_path / 'notebooks'}:" in str(error.value) and str(error.value).count("--rerun") == 0
    assert not RUNS, "a study that takes hours did not run before that was noticed"


def test_the_folder_is_looked_for_above_and_beside_the_package(tmp_path, monkeypatch):
    (tmp_path / "recorded").mkdir()
    (tmp_path / "deeper").mkdir()
    monkeypatch.chdir(tmp_path / "deeper")
    with pytest.raises(ValueError, match="is not here") as error:
        recorded("rates", study)
    assert f"there is one in {tmp_path}:" in str(error.value)
    (tmp_path / "recorded").rmdir()
    with pytest.raises(ValueError) as error:
        recorded("rates", study)
    assert str(error.value).count(f"there is one in {ROOT / 'notebooks'}:") == (ROOT / "notebooks" / "recorded").is_dir()


@pytest.mark.parametrize("name", ["", "a b", "../rates", 3, None], ids=repr)
def test_a_name_that_is_none_is_refused(folder, name):
    with pytest.raises(ValueError, match="^name was"):
        recorded(name, study)


def test_a_study_that_is_no_function_is_refused(folder):
    with pytest.raises(TypeError, match="^study was"):
        recorded("rates", 3)


# Cases

def squares(base, sizes=(), power=2):
    """A study of cases, which fails for one of them if it is told to."""
    RUNS.append(base)
    if str(base) == os.environ.get("FAILS"):
        raise OSError("the disk is gone")
    return {"value": base ** power, "third": base / 3, "sizes": list(sizes)}


CASES = [dict(base=2, sizes=(35, 2)), dict(base=3), dict(base=4, power=3)]
RESULTS = [{"value": 4, "third": 0.6667, "sizes": [35, 2]}, {"value": 9, "third": 1.0, "sizes": []},
           {"value": 64, "third": 1.333, "sizes": []}]


def test_the_results_of_cases_come_in_their_order(rerun, monkeypatch):
    assert recorded("squares", squares, CASES) == RESULTS and RUNS == [2, 3, 4]
    assert names(rerun) == ["squares.json"]
    monkeypatch.delenv(RERUN)
    assert recorded("squares", squares, CASES[::-1]) == RESULTS[::-1]
    assert recorded("squares", squares, CASES[1:2]) == RESULTS[1:2]
    assert recorded("squares", squares, []) == []
    assert RUNS == [2, 3, 4]


def test_each_case_and_its_result_have_a_line(rerun):
    recorded("squares", squares, CASES)
    lines = (rerun / "squares.json").read_text("utf-8").splitlines()
    assert lines[-3:] == ['  {"case": {"base": 2, "sizes": [35, 2]}, "result": {"value": 4, "third": 0.6667, "sizes": [35, 2]}},',
                          '  {"case": {"base": 3}, "result": {"value": 9, "third": 1.0, "sizes": []}},',
                          '  {"case": {"base": 4, "power": 3}, "result": {"value": 64, "third": 1.333, "sizes": []}}]}']


def test_a_case_that_was_not_recorded_is_named(rerun, monkeypatch):
    recorded("squares", squares, CASES)
    monkeypatch.delenv(RERUN)
    with pytest.raises(ValueError, match="no result of the case {'base': 5}, one of 2 that it lacks: .*--rerun squares$"):
        recorded("squares", squares, [*CASES, dict(base=5), dict(base=6)])


def test_an_interrupted_rerun_keeps_what_is_finished_and_goes_on(rerun, monkeypatch):
    recorded("squares", squares, CASES[:1])
    before = (rerun / "squares.json").read_bytes()
    monkeypatch.setenv("FAILS", "4")
    with pytest.raises(RuntimeError, match="squares failed for {'base': 4, 'power': 3}: OSError: the disk is gone"):
        recorded("squares", squares, CASES)
    assert names(rerun) == ["squares.json", "squares.unfinished.json"]
    assert (rerun / "squares.json").read_bytes() == before
    assert len(json.loads((rerun / "squares.unfinished.json").read_text())["cases"]) == 2
    monkeypatch.delenv("FAILS")
    monkeypatch.setenv(RERUN, "")
    with pytest.raises(ValueError, match="--rerun squares, which goes on from .*squares.unfinished.json"):
        recorded("squares", squares, CASES)
    RUNS.clear()
    monkeypatch.setenv(RERUN, "all")
    assert recorded("squares", squares, CASES) == RESULTS and RUNS == [4]
    assert names(rerun) == ["squares.json"]
    whole = (rerun / "squares.json").read_bytes()
    assert recorded("squares", squares, CASES) == RESULTS and RUNS == [4, 2, 3, 4], "anew, when asked once more"
    assert (rerun / "squares.json").read_bytes() == whole


def test_what_another_version_of_the_study_left_unfinished_is_not_taken(rerun, monkeypatch):
    monkeypatch.setenv("FAILS", "4")
    with pytest.raises(RuntimeError):
        recorded("squares", squares, CASES)
    path = rerun / "squares.unfinished.json"
    path.write_text(path.read_text().replace("base ** power", "base * power"))
    RUNS.clear()
    monkeypatch.delenv("FAILS")
    assert recorded("squares", squares, CASES) == RESULTS and RUNS == [2, 3, 4]


def test_more_cases_cost_only_themselves_if_the_file_is_copied_to_the_unfinished_one(rerun):
    recorded("squares", squares, CASES[:2])
    (rerun / "squares.unfinished.json").write_bytes((rerun / "squares.json").read_bytes())
    RUNS.clear()
    assert recorded("squares", squares, CASES) == RESULTS and RUNS == [4]


def test_a_study_with_cases_is_not_one_without(rerun, monkeypatch):
    recorded("rates", study), recorded("squares", squares, CASES), recorded("empty", study, [{}])
    monkeypatch.delenv(RERUN)
    assert recorded("empty", study, [{}]) == [WRITTEN]
    with pytest.raises(ValueError, match="empty.json was recorded case by case, and the notebook asks for results"):
        recorded("empty", study)
    with pytest.raises(ValueError, match="rates.json holds the results of no cases, and the notebook asks for cases"):
        recorded("rates", study, [{}])


@pytest.mark.parametrize("cases, error, message", [
    (dict(base=2), TypeError, "^cases was .* must be a list of dictionaries"),
    ([2], TypeError, r"^cases\[0\] was 2"),
    ([dict(base=2), dict(base=1, bass=3)], TypeError, r"^cases\[1\] was {'base': 1, 'bass': 3}; .* of squares.*'bass'"),
    ([{}], TypeError, r"^cases\[0\] was {}; .*base"),
    ([dict(base=np.float32(2))], TypeError, r"^cases\[0\] was .*numbers, words.*float32"),
    ([dict(base=2), dict(base=2)], ValueError, r"^cases\[1\] was .* must be another case"),
    ([dict(base=2, sizes=(1, 2)), dict(sizes=[1, 2], base=2)], ValueError, r"^cases\[1\] was .* must be another case")])
def test_cases_that_are_none_are_named_before_anything_runs(rerun, cases, error, message):
    with pytest.raises(error, match=message):
        recorded("squares", squares, cases)
    assert not RUNS


def test_any_map_will_do_and_its_order_does_not_matter(rerun):
    backwards = lambda function, cases: map(function, [*cases][::-1])       # noqa: E731
    assert recorded("squares", squares, CASES, map=backwards) == RESULTS and RUNS == [4, 3, 2]
    other = (rerun / "squares.json").read_bytes()
    assert recorded("squares", squares, CASES) == RESULTS
    assert (rerun / "squares.json").read_bytes() == other


PROGRAM = """
import os
import numpy as np
from autoenc import Adam, Autoencoder, characters, recorded

pixels, _ = characters("digits")

class Network(Autoencoder):
    def loss(self, epochs):
        return self.fit(pixels, epochs, optimizer=Adam(0.01)).loss[-1]

def study(seed, epochs=20):
    return dict(loss=Network((35, 4, 2), rng=seed).loss(epochs), process=os.getpid() if WITH_PROCESS else 0)

WITH_PROCESS = {with_process}
results = recorded("losses", study, [dict(seed=seed) for seed in range(6)])
print(len(set(result["process"] for result in results)), os.getpid() in [result["process"] for result in results])
"""


def run(folder, program, **settings):
    (folder.parent / "program.py").write_text(program)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), RERUN: "all", **settings}
    return subprocess.run([sys.executable, "program.py"], cwd=folder.parent, env=environment, check=True, text=True,
                          capture_output=True).stdout.split()


def test_jobs_are_processes_and_the_results_those_of_one(folder):
    pytest.importorskip("joblib", reason="joblib is not installed: pip install joblib")
    assert run(folder, PROGRAM.format(with_process=True), **{JOBS: "2"}) == ["2", "False"]
    assert run(folder, PROGRAM.format(with_process=True), **{JOBS: "1"}) == ["1", "True"]
    written = []
    for jobs in "1", "2":
        run(folder, PROGRAM.format(with_process=False), **{JOBS: jobs})
        written.append((folder / "losses.json").read_bytes())
    assert written[0] == written[1]
    assert b"class Network" in written[0]


DASK = """
import os
def where(n):
    import time
    time.sleep(0.1)
    return dict(process=os.getpid())
processes = {result["process"] for result in recorded("where", where, [dict(n=n) for n in range(20)], map=on_dask)}
here = recorded("solved_here", solved, cases)
client.close()
print(len(processes), os.getpid() in processes, here == shares, len(shares))
"""


def test_the_sweep_of_the_readme_runs_on_two_workers_of_dask(rerun, monkeypatch):
    """As it stands, in a notebook's kernel, but with fewer epochs and seeds."""
    pytest.importorskip("distributed", reason="Dask is not installed: pip install dask[distributed]")
    nbclient, v4 = pytest.importorskip("nbclient"), pytest.importorskip("nbformat.v4")
    readme = (ROOT / "README.md").read_text("utf-8")
    block = re.search(r"```python\n(from dask.*?)```", readme, re.S)[1]
    small = block.replace("epochs=3000", "epochs=20").replace("range(100)", "range(2)")
    assert small.count("20") >= 1 and small != block
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    made = v4.new_notebook(cells=[v4.new_code_cell(small), v4.new_code_cell(DASK)])
    nbclient.NotebookClient(made, kernel_name="python3", startup_timeout=300).execute(cwd=str(rerun.parent))
    printed = "".join(output.text for output in made.cells[1].outputs if output.get("name") == "stdout")
    assert printed.split() == ["2", "False", "True", "6"]
    assert names(rerun) == ["solved.json", "solved_here.json", "where.json"]


# The source of a study

def helper():
    return 3


def calling(values=2):
    return dict(product=[helper() for _ in range(values)])


def test_a_study_of_which_a_called_function_has_changed_is_refused(rerun, monkeypatch):
    assert recorded("calls", calling) == {"product": [3, 3]}
    monkeypatch.delenv(RERUN)
    recorded("calls", calling)
    monkeypatch.setitem(globals(), "helper", study)
    with pytest.raises(ValueError, match="another version of calling"):
        recorded("calls", calling)


def test_functions_of_other_modules_are_not_part_of_the_source():
    assert studies._source(calling) == ["def calling(values=2):",
                                        "    return dict(product=[helper() for _ in range(values)])",
                                        "", "", "def helper():", "    return 3"]
    assert [line for line in studies._source(test_any_map_will_do_and_its_order_does_not_matter) if line.startswith("def ")] == [
        "def test_any_map_will_do_and_its_order_does_not_matter(rerun):", "def squares(base, sizes=(), power=2):"]


WAYS = {"helped": helper, "several": [calling, (study,)], "twice": lambda: 2}


def by_table():
    return {name: way() for name, way in WAYS.items()}


def test_functions_in_a_table_are_part_of_the_source_but_for_those_without_a_name():
    assert [line for line in studies._source(by_table) if line.startswith("def ") or "lambda" in line] == [
        "def by_table():", "def helper():", "def calling(values=2):", "def study():"]


CELLS = ["from autoenc import recorded\nclass Base:\n    def third(self, x):\n        return double(x) / 3",
         "def double(x):\n    return 2 * x",
         "%precision 4\nclass Plain(Base):\n    @property\n    def rate(self):\n        return self.third(SCALE)",
         "class Settings:\n    rate = 3",
         "SCALE = 2\ndef study():\n    return dict(rate=Plain().rate, constant=Settings.rate)"]
ASK = "recorded('classes', study)"


@pytest.mark.parametrize("changed", [None, *range(4)])
def test_a_class_of_the_notebook_that_has_changed_or_what_it_uses_is_noticed(rerun, monkeypatch, changed):
    """In a shell like a notebook's, where Python's own inspect finds no source of a class."""
    shells = pytest.importorskip("IPython.core.interactiveshell")
    without_history = pytest.importorskip("traitlets.config").Config({"HistoryManager": {"enabled": False}})
    shell = shells.InteractiveShell(config=without_history)
    monkeypatch.setitem(sys.modules, "__main__", shell.user_module)

    def cell(source):
        shell.run_cell(source).raise_error()

    for source in CELLS:
        cell(source)
    cell(ASK)
    written = json.loads((rerun / "classes.json").read_text())
    assert written["results"] == {"rate": 1.333, "constant": 3}
    assert {"class Plain(Base):", "    @property", "class Base:", "def double(x):", "class Settings:"} <= set(written["study"])
    monkeypatch.setenv(RERUN, "")
    if changed is None:
        cell(ASK)
    else:
        cell(CELLS[changed].replace("3", "4").replace("2", "5").replace("SCALE", "(SCALE)"))
        if changed < 2:                     # classes made from the old ones keep to those
            cell(CELLS[2])
        with pytest.raises(ValueError, match="another version of study"):
            cell(ASK)
