"""The committed notebooks are complete: executed in order, described, cut into slides, and honest about numbers.

That their outputs come out again is checked beside this, by nbval on notebooks/.
"""

import ast
import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(notebook):
    return [output for cell in code(notebook) for output in cell.outputs]


def shown(notebook):
    """All text that the outputs show."""
    return "\n".join(output.get("text", "") + "\n".join(text for kind, text in output.get("data", {}).items()
                                                       if kind in ("text/plain", "text/markdown"))
                     for output in outputs(notebook))


def test_there_are_notebooks():
    assert NOTEBOOKS


def test_it_was_run_from_the_top_in_a_fresh_python3_kernel(notebook):
    assert [cell.execution_count for cell in code(notebook)] == list(range(1, len(code(notebook)) + 1))
    assert notebook.metadata.kernelspec.name == "python3"
    assert notebook.metadata.language_info.file_extension == ".py", "what a script of it is called"


def test_no_output_is_an_error_a_warning_or_a_stored_widget(notebook):
    assert not [output for output in outputs(notebook) if output.output_type == "error" or output.get("name") == "stderr"]
    assert "widgets" not in notebook.metadata


def test_every_cell_has_its_place_in_the_slides(notebook):
    kinds = [cell.metadata.get("slideshow", {}).get("slide_type") for cell in notebook.cells]
    assert set(kinds) <= {"slide", "subslide", "fragment", "skip", "notes", "-"}
    appendix = next(k for k, cell in enumerate(notebook.cells) if "appendix" in cell.metadata.get("tags", []))
    before, behind = (sum(kind in ("slide", "subslide") for kind in part) for part in (kinds[:appendix], kinds[appendix:]))
    assert 20 <= before <= 26 and 1 <= behind <= 8


def words(cell):
    """The words of a Markdown cell that a slide shows: no displayed formula and no table; a formula in a line is one."""
    if cell.cell_type != "markdown":
        return []
    text = re.sub(r"\$\$.*?\$\$", " ", cell.source, flags=re.S)
    text = re.sub(r"\$[^$]*\$", " formula ", text)
    text = re.sub(r"\]\([^)]*\)|^\|.*$|<[^>]*>", " ", text, flags=re.M)
    return [word for word in text.split() if re.search(r"\w", word)]


def test_a_slide_has_at_most_forty_words_and_its_notes_say_the_rest(notebook):
    """Small print counts; the title, code, tables, figures and what cells put out do not."""
    pytest.importorskip("nbconvert", reason="nbconvert is not installed")
    from autoenc.report.slides import slides
    found = []
    for number, slide in enumerate(slides(notebook.cells), 1):
        cells = [cell for column in ("across", "left", "right") for block in slide[column] for cell in block["cells"]]
        shown, said = (sum(len(words(cell)) for cell in part) for part in (cells, slide["notes"]))
        if shown > 40 or not 40 <= said <= 120:
            found.append(f"slide {number}: {shown} words, notes of {said}")
    assert not found, "\n".join(found)


def test_every_picture_is_described(notebook):
    for output in outputs(notebook):
        if "image/png" in output.get("data", {}):
            assert len(output.metadata["image/png"]["alt"]) > 20
        assert '<img src' not in output.get("data", {}).get("text/html", "")


def test_code_cells_are_short(notebook):
    lengths = sorted(len(cell.source.splitlines()) for cell in code(notebook))
    assert max(len(line) for cell in code(notebook) for line in cell.source.splitlines()) <= 100
    assert lengths[-1] <= 20
    assert lengths[len(lengths) // 2] <= 6


def test_plotting_code_is_folded(notebook):
    folded = [cell for cell in code(notebook) if "hide-input" in cell.metadata.get("tags", [])]
    assert folded and all(cell.metadata.jupyter.source_hidden for cell in folded)
    assert all(cell in folded for cell in code(notebook) if "plots.show(" in cell.source)


def test_it_claims_and_every_claim_holds(notebook):
    claims = [output.metadata["claim"] for output in outputs(notebook) if "claim" in output.get("metadata", {})]
    assert len(claims) >= 10 and all(claim["holds"] for claim in claims)
    assert all("shown" in claim for claim in claims), "executed with an older version of `claim`"


def sections(notebook):
    """The cells of each section, from one heading of level 2 to the next; what stands before the first is one, too."""
    found = [[]]
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and re.search(r"^## ", cell.source, re.M):
            found.append([])
        found[-1].append(cell)
    return found


def numbers(text):
    """The numbers in a text, 60,000 and 60000 being the same."""
    return set(re.findall(r"\d+(?:\.\d+)?", re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)))


def prose(source):
    """What a Markdown cell says itself: no code, formula, address, heading, title of a work, number of a list, year or solution."""
    without = (r"<details>.*?</details>", r"```.*?```", r"`[^`]*`", r"\$\$.*?\$\$", r"\$[^$]*\$", r"\]\([^)]*\)", r"(?m:^#.*$)", r"(?m:^\d+\. )",
               r"(?<!\*)\*[^*\n]+\*(?!\*)", r"[,(] ?(19|20)\d\d\b")
    for pattern in without:
        source = re.sub(pattern, " ", source, flags=re.S)
    return source


def test_every_number_in_the_prose_stands_in_an_output_of_its_section(notebook):
    missing = []
    for cells in sections(notebook):
        title = next((line for cell in cells for line in cell.source.splitlines() if line.startswith("#")), "")
        if title.startswith("## References"):
            continue
        printed = numbers(shown(nbformat.v4.new_notebook(cells=cells)))
        for cell in cells:
            if cell.cell_type == "markdown" and "credits" not in cell.metadata.get("tags", []):
                missing += [f"{title}: {number} in {cell.source[:70]!r}" for number in sorted(numbers(prose(cell.source)) - printed)]
    assert not missing, "\n".join(missing)


# Exercises: a cell to be filled in, a cell that checks it, and a solution, with tags exercise:NAME, check:NAME, solution:NAME

LEAST = 3           # exercises of a notebook that check themselves

SPOIL = """
def _spoilt(answer):
    if isinstance(answer, tuple):
        return tuple(map(_spoilt, answer))
    return not answer if isinstance(answer, bool) else answer * 1.01 + 0.01
_solution = {name}
{name} = lambda *given, **named: _spoilt(_solution(*given, **named))
"""


def exercises(notebook):
    """{name: {kind: place of its cell}}, with the kinds exercise, check and solution."""
    found = {}
    for place, cell in enumerate(notebook.cells):
        for tag in cell.metadata.get("tags", []):
            kind, _, name = tag.partition(":")
            if kind in ("exercise", "check", "solution"):
                assert kind not in found.setdefault(name, {}), f"two cells have the tag {tag}"
                found[name][kind] = place
    return found


def solution(notebook, parts):
    """The Python of an exercise's solution, the only fenced block of its cell."""
    block, = re.findall(r"```python\n(.*?)```", notebook.cells[parts["solution"]].source, re.S)
    return block


def function(source):
    """The name of the function that a cell defines."""
    name, = [part.name for part in ast.parse(source).body if isinstance(part, ast.FunctionDef)]
    return name


def verdicts(cell):
    return [output.metadata["check"]["right"] for output in cell.outputs if "check" in output.get("metadata", {})]


def test_exercises_are_not_filled_in_and_say_so(notebook):
    found = exercises(notebook)
    assert len(found) >= LEAST
    for name, parts in found.items():
        assert parts.keys() == {"exercise", "check", "solution"}, name
        cell = notebook.cells[parts["exercise"]]
        assert function(cell.source) == function(solution(notebook, parts))
        assert not cell.outputs
        assert set(verdicts(notebook.cells[parts["check"]])) == {None}, name
        assert parts["exercise"] < parts["check"] < parts["solution"]


@pytest.mark.parametrize("path", [path for path in NOTEBOOKS if exercises(nbformat.read(path, as_version=4))], ids=lambda path: path.stem)
def test_solutions_are_right_and_an_answer_a_hundredth_away_is_not(path):
    """The notebook is run with its solutions filled in; then each check once more, with what the solution returns changed."""
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    notebook = nbformat.read(path, as_version=4)
    found = exercises(notebook)
    for parts in found.values():
        notebook.cells[parts["exercise"]].source = solution(notebook, parts)
    again = {}
    for name, parts in found.items():
        called, check = function(notebook.cells[parts["exercise"]].source), notebook.cells[parts["check"]]
        again[name] = nbformat.v4.new_code_cell(SPOIL.format(name=called) + check.source + f"\n{called} = _solution")
    checks = {parts["check"]: name for name, parts in found.items()}
    cells = []
    for place, cell in enumerate(notebook.cells[:max(checks) + 1]):
        cells.append(cell)
        if place in checks:
            cells.append(again[checks[place]])          # at once: later cells may give the variables other values
    first = [notebook.cells[place] for place in checks]
    notebook.cells = cells
    nbclient.NotebookClient(notebook, kernel_name="python3", startup_timeout=300).execute(cwd=str(path.parent))
    for name, cell in zip(found, first, strict=True):
        assert set(verdicts(cell)) == {True}, name
        assert False in verdicts(again[name]) and None not in verdicts(again[name]), name


def test_the_recorded_studies_are_those_of_the_notebooks():
    asked = {name for path in NOTEBOOKS for name in re.findall(r'recorded\(\\?"(\w+)', path.read_text("utf-8"))}
    assert asked == {path.name.partition(".")[0] for path in (ROOT / "notebooks" / "recorded").glob("*.json")}


def test_the_figures_folder_holds_the_figures_of_the_notebooks_and_of_the_benchmark():
    tagged = {tag.removeprefix("figure:") for path in NOTEBOOKS for cell in nbformat.read(path, as_version=4).cells
              for tag in cell.metadata.get("tags", []) if tag.startswith("figure:")}
    assert tagged | {"benchmark", "growth"} == {path.stem for path in (ROOT / "figures").glob("*.png")}


def test_the_readme_s_results_are_those_of_the_notebooks():
    """The table of headlines is the one that `--update` writes, and no number above it stands in no output."""
    from autoenc.report.command import TABLE, results
    readme = (ROOT / "README.md").read_text("utf-8")
    headlines = results({path.relative_to(ROOT): nbformat.read(path, as_version=4) for path in NOTEBOOKS}, "headline")
    assert re.search(TABLE, readme)[0].splitlines()[1:-1] == headlines.splitlines()
    printed = set(re.findall(r"\d+(?:\.\d+)?", "\n".join(shown(nbformat.read(path, as_version=4)) for path in NOTEBOOKS)))
    results = re.search(r"## What came out\n(.*)<!-- headlines", readme, re.S)[1]
    assert not set(re.findall(r"\d+(?:\.\d+)?", results)) - printed
