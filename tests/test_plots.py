"""What notebooks cannot see of their own figures: pixels have their colours and places, words can be read and do not touch."""

import itertools

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="matplotlib is not installed")
import matplotlib  # noqa: E402
from matplotlib import font_manager  # noqa: E402

from autoenc import characters  # noqa: E402
from autoenc.report import plots  # noqa: E402
from tests.browser import in_a_lit_room  # noqa: E402

X = characters("digits")[0]


@pytest.fixture
def shown(monkeypatch):
    """What was displayed: pairs of data and metadata."""
    outputs = []
    monkeypatch.setattr("autoenc.report.plots.publish", lambda data, metadata=None: outputs.append((data, metadata)))
    return outputs


@pytest.fixture
def ax():
    return plots.figure()[1]


def test_a_wrong_pixel_is_marked_and_a_right_one_is_ink_or_paper():
    output, target = np.zeros((2, 1, 35))
    output[0, :4], target[0, :4] = (0.9, 0.6, 0.4, 0.1), (1, 0, 1, 0)
    np.testing.assert_allclose(plots.pictures(output, target)[0, 0, :4],
                               [plots.INK, plots.EXTRA, plots.MISSING, plots.PAPER])


def test_a_missing_ink_is_a_hollow_frame_where_there_is_room_for_one():
    output, target = np.zeros((2, 1, 35))
    target[0, 1] = output[0, 0] = 1
    large = plots.pictures(output, target, factor=4)[0]
    assert large.shape == (28, 20, 3)
    frame = np.ones((4, 4), bool)
    frame[1:3, 1:3] = False
    np.testing.assert_array_equal(large[:4, 4:8], np.where(frame[..., None], plots.EXTRA, plots.PAPER))
    assert (large[:4, :4] == plots.EXTRA).all() and (large[4:] == plots.PAPER).all()


def test_without_a_target_a_pixel_is_a_grey_between_paper_and_ink():
    images = np.array([-1, 0, 0.25, 1, 2]).reshape(1, 1, 5, 1)
    shares = np.array([0, 0, 0.25, 1, 1])[:, None]
    np.testing.assert_allclose(plots.pictures(images)[0, 0], (1 - shares) * plots.PAPER + shares * plots.INK)


def test_pictures_in_colour_are_drawn_in_colour():
    images = np.array([[-1, 0.5, 0], [0.25, 2, 1]]).reshape(1, 1, 2, 3)
    np.testing.assert_array_equal(plots.pictures(images), np.clip(images, 0, 1))
    with pytest.raises(ValueError, match="target was given .* must be None"):
        plots.pictures(images, images)


def test_a_sheet_is_filled_row_by_row(ax):
    plots.draw_pictures(ax, X[:3], columns=2)
    sheet = np.full((1 + 2 * 8, 1 + 2 * 6, 3), plots.LIGHT)
    for picture, top, left in zip(plots.pictures(X), (1, 1, 9), (1, 7, 1), strict=False):
        sheet[top:top + 7, left:left + 5] = picture
    np.testing.assert_array_equal(ax.images[0].get_array(), sheet)
    assert ax.get_xlim() == (-0.5, 12.5) and ax.get_ylim() == (16.5, -0.5)         # pixels, whatever their marks


def test_a_sheet_with_a_target_has_the_same_places(ax):
    plots.draw_pictures(ax, 1 - X[:3], X[:3], columns=2)
    assert ax.get_xlim() == (-0.5, 12.5) and ax.get_ylim() == (16.5, -0.5)
    assert ax.images[0].get_array().shape == (8 * 17, 8 * 13, 3)


def words(ax):
    """{text: its box} of what is written on axes."""
    ax.figure.draw_without_rendering()
    return {text.get_text(): text.get_window_extent() for text in ax.texts}


def test_names_at_the_ends_of_curves_keep_their_order_and_do_not_touch(ax):
    plots.draw_curves(ax, [0, 1], {"low": [0, 0.5], "high": [0, 1], "middle": [0, 0.501], "as low": [1, 0.5]})
    boxes = words(ax)
    names = sorted(boxes, key=lambda name: boxes[name].y0)
    assert names == ["low", "as low", "middle", "high"]
    assert all(boxes[below].y1 < boxes[above].y0 for below, above in itertools.pairwise(names))


def test_contrast_is_that_of_the_wcag():
    assert plots.contrast("black") == pytest.approx(21) and plots.contrast("#777777") == pytest.approx(4.48, abs=0.005)


def test_words_can_be_read_and_marks_can_be_seen(ax):
    plots.draw_curves(ax, [0, 1], {colour: [k, k] for k, colour in enumerate(plots.COLOURS)})
    assert all(plots.contrast(text.get_color()) >= 4.5 for text in ax.texts) and len(ax.texts) == 6
    assert plots.readable(plots.BLUE) == plots.BLUE.lower()                      # is dark enough
    assert min(plots.contrast(plots.EXTRA), plots.contrast(plots.MISSING)) >= 3
    assert all(plots.contrast(plots.DARK, tint) >= 4.5 for tint in (*plots.TINTS, plots._PALE(1.0)[:3]))


def in_the_room(*colours):
    """The contrast of two colours that a projector shows in a lit room."""
    return plots.contrast(*(in_a_lit_room(plots.to_rgb(colour)) for colour in colours))


def test_a_lit_room_takes_contrast_away():
    assert in_the_room("black", "white") == pytest.approx(5.82, abs=0.01)
    np.testing.assert_allclose(in_a_lit_room([[0, 0, 0], [1, 1, 1]]), [[0.397] * 3, [1] * 3], atol=1e-3)


def test_words_can_be_read_in_a_lit_room_and_wrong_pixels_seen():
    grounds = "white", *plots.TINTS, plots._PALE(1.0)[:3]
    assert min(in_the_room(plots.readable(colour), "white") for colour in (*plots.COLOURS, plots.GREY)) >= 3
    assert min(in_the_room(plots.DARK, ground) for ground in grounds) >= 3
    assert min(in_the_room(plots.EXTRA, ground) for ground in ("white", plots.DARK)) >= 1.9
    assert min(in_the_room(colour, "white") for colour in plots.COLOURS) >= 1.9         # of lines, and of dots


def test_intervals_have_their_dots_whiskers_and_numbers(ax):
    plots.draw_intervals(ax, {"one": {"a": (2, 1, 3), "b": 4}, "two": {"a": (1.25, 0.5, 2)}}, bold=["two"])
    lines = [(list(line.get_xdata()), line.get_color()) for line in ax.lines if len(line.get_xdata())]
    whiskers = [line for line in lines if line[0] != [0, 1]]                     # which are those between the rows
    assert [points for points, _ in whiskers] == [[1, 3], [2], [4, 4], [4], [0.5, 2], [1.25]]
    assert [colour for _, colour in whiskers] == 2 * [plots.BLUE] + 2 * [plots.PURPLE] + 2 * [plots.BLUE]
    boxes = words(ax)
    assert list(boxes) == ["2.00", "4.00", "1.25"] and ax.get_xlim()[0] == 0
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b"]
    assert [label.get_fontweight() for label in ax.get_yticklabels()] == ["normal", "bold"]
    assert boxes["2.00"].y0 > boxes["4.00"].y1 > boxes["1.25"].y1                # from top to bottom


def test_spread_is_what_curves_show():
    assert plots.spread(np.arange(101)) == (50, 10, 90)


def test_pictures_at_codes_are_as_large_as_they_must_be_and_can_be_pushed_apart():
    fig, ax = plots.figure(kind="half")
    crowded = np.concatenate([np.zeros((8, 2)), [[8, 8], [-8, -8]]])
    plots.draw_codes(ax, crowded, X, apart=True)
    fig.draw_without_rendering()
    boxes = [box.offsetbox.get_window_extent() for box in ax.artists]
    assert len(boxes) == 10 and all(box.height * 100 / fig.dpi >= 40 for box in boxes)      # in pixels of the slide
    assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[:k])
    assert all(ax.bbox.x0 <= box.x0 and box.x1 <= ax.bbox.x1 and ax.bbox.y0 <= box.y0 and box.y1 <= ax.bbox.y1 for box in boxes)
    fig, ax = plots.figure(kind="half")
    plots.draw_codes(ax, [[0, 0], [1, 1]], np.zeros((2, 28, 28, 1)))
    fig.draw_without_rendering()
    assert ax.artists[0].offsetbox.get_window_extent().height * 100 / fig.dpi >= 60


def test_cells_have_the_tints_of_their_characters_and_touching_ones_differ(ax):
    which = np.repeat([[0, 1, 2, -1]], 3, axis=0)
    plots.draw_cells(ax, which, ((0, 0), (4, 3)), [[0, 1], [1, 1], [2, 1]], X[:3])
    row = ax.images[0].get_array()[0]
    assert len(np.unique(row, axis=0)) == 4 and (row[-1] == 1).all() and ax.get_xlim() == (0, 4)
    many = len(plots.TINTS) + 2                 # more cells than tints, in a row: the tints come back, never side by side
    tints = plots._tints(np.arange(many)[None], np.stack([np.arange(many), np.zeros(many)], 1))
    assert all(a != b for a, b in itertools.pairwise(tints)) and set(tints) == set(range(len(plots.TINTS)))


def test_a_confusion_matrix_shows_the_shares_of_its_rows(ax):
    plots.draw_confusion(ax, [[3, 1], [0, 5]], ["cat", "dog"])
    np.testing.assert_array_equal(ax.images[0].get_array(), [[75, 25], [0, 100]])
    assert [text.get_text() for text in ax.texts] == ["75", "25", "100"]


def test_a_map_writes_its_values(ax):
    plots.draw_map(ax, [[1, 2], [3, 4]], "ab", ["x", "y"], digits=1, bold=["b"])
    assert [(text.get_text(), text.get_fontweight()) for text in ax.texts] == [
        ("1.0", "normal"), ("2.0", "normal"), ("3.0", "bold"), ("4.0", "bold")]


def test_a_figure_is_shown_with_its_description_as_the_same_bytes_each_time(shown):
    for _ in range(2):
        fig, ax = plots.figure()
        plots.draw_codes(ax, np.arange(20).reshape(10, 2), X)
        plots.show(fig, "Ten digits.")
    assert shown[0] == shown[1] and not plots.plt.get_fignums()
    assert shown[0][0]["text/plain"] == "Figure: Ten digits." and shown[0][1] == {"image/png": {"alt": "Ten digits.", "width": 1000}}


def test_words_that_cannot_be_read_from_the_last_row_are_refused(shown):
    for add in (lambda ax: ax.set_xlabel("small", fontsize=12.9), lambda ax: ax.text(0, 0, "small", fontsize=5),
                lambda ax: ax.tick_params(labelsize=10), lambda ax: ax.legend([ax.plot([1])[0]], ["small"], fontsize=9)):
        fig, ax = plots.figure()
        add(ax)
        with pytest.raises(ValueError, match="the letters of '.*' are .* pixels of a slide; they must be at least 18, which is a font size of 13"):
            plots.show(fig, "Small letters.")
    fig, ax = plots.figure()
    ax.text(0, 0, "small, and not shown", fontsize=5, visible=False)
    ax.text(0, 0, "just large enough", fontsize=13)
    plots.show(fig, "Large letters.")
    assert len(shown) == 1


def test_nothing_of_a_readers_settings_reaches_a_figure(shown):
    def draw():
        fig, ax = plots.figure(kind="half")
        plots.draw_curves(ax, [0, 1], {"a": [0, 1], "b": [1, 0]})
        ax.legend(["a", "b"])
        ax.set(xlabel="$x$ and x", title="A title")
        plots.show(fig, "Two lines.")
    draw()
    with plots.plt.style.context("dark_background"), matplotlib.rc_context({"font.size": 30, "lines.linewidth": 9, "font.family": "serif",
                                                                            "axes.grid": True, "axes.spines.left": False}):
        before = dict(matplotlib.rcParams)
        draw()
        assert dict(matplotlib.rcParams) == before
        plots.figure()                                  # never shown: the next one brings the settings back
        draw()
        assert dict(matplotlib.rcParams) == before
    assert shown[0] == shown[1] == shown[2]


def test_letters_are_those_of_the_typeface_and_no_other_version_of_it():
    with matplotlib.rc_context(plots.STYLE):
        for weight, style, file in (("normal", "normal", "regular"), ("bold", "normal", "semibold"), ("normal", "italic", "italic")):
            found = font_manager.findfont(font_manager.FontProperties(weight=weight, style=style))
            assert found.endswith(f"source-sans-pro-{file}.ttf")


def test_a_big_number_is_one_for_the_eye_and_the_ear(shown):
    plots.big_number("1000 of 1000", "seeds < all")
    data = shown[0][0]
    assert data["text/plain"] == "1000 of 1000: seeds < all"
    assert 'class="big-number"' in data["text/html"] and "seeds &lt; all" in data["text/html"]


def test_in_a_script_a_figure_is_a_line_of_text(capsys):
    fig, _ = plots.figure()
    plots.show(fig, "Nothing yet.")
    plots.big_number("1000 of 1000", "seeds")
    assert capsys.readouterr().out == "Figure: Nothing yet.\n1000 of 1000: seeds\n"


@pytest.mark.parametrize("draw, message", [
    (lambda ax: plots.figure(kind="huge"), "kind was 'huge'; it must be one of 'wide'"),
    (lambda ax: plots.figure(rows=0), "rows was 0"),
    (lambda ax: plots.figure(size=(3,)), "size was of shape"),
    (lambda ax: plots.show("a figure", "words"), "fig was 'a figure'"),
    (lambda ax: plots.show(ax.figure, ""), "alt was ''"),
    (lambda ax: plots.big_number(5, "words"), "value was 5"),
    (lambda ax: plots.draw_pictures([ax, ax], X), "ax was"),
    (lambda ax: plots.draw_pictures(ax, X[:, :7]), "pixels was of shape"),
    (lambda ax: plots.draw_pictures(ax, X, X[:3]), "target was of shape"),
    (lambda ax: plots.draw_pictures(ax, np.full((1, 35), np.nan)), "pixels has values"),
    (lambda ax: plots.draw_pictures(ax, X, columns=0), "columns was 0"),
    (lambda ax: plots.draw_curves(ax, [1, 2], {"a": [1, 2, 3]}), "'a'.* was of shape"),
    (lambda ax: plots.draw_curves(ax, [1], {str(k): [1] for k in range(7)}), "curves was .* from one to 6"),
    (lambda ax: plots.draw_curves(ax, [1], [1]), "curves was"),
    (lambda ax: plots.name_rows(ax, "word"), "names was 'word'"),
    (lambda ax: plots.draw_intervals(ax, [1, 2]), "rows was"),
    (lambda ax: plots.draw_intervals(ax, {"a": (1, 2, 3)}), r"rows\['a'\] was .* it must be \(middle"),
    (lambda ax: plots.draw_intervals(ax, {"a": (1, -1, 3)}), r"rows\['a'\] was -1.0; it must be at least 0"),
    (lambda ax: plots.draw_codes(ax, [[0, 0]], X), "codes was of shape"),
    (lambda ax: plots.draw_codes(ax, np.zeros((10, 2)), X, height=39), "height was 39; it must be at least 40"),
    (lambda ax: plots.draw_codes(ax, np.zeros((1, 2)), np.zeros((1, 28, 28, 1)), height=59), "height was 59; it must be at least 60"),
    (lambda ax: plots.draw_cells(ax, [[0, 10]], ((0, 0), (1, 1)), np.zeros((10, 2)), X), "which has values"),
    (lambda ax: plots.draw_confusion(ax, [[1, 2, 3]], ["a", "b"]), "counts was of shape"),
    (lambda ax: plots.draw_map(ax, [[1]], ["a", "b"], ["x"]), "values was of shape"),
    (lambda ax: plots.arrow(ax, (0, 0), (1, 2, 3)), "end was of shape")])
def test_arguments_are_checked(ax, draw, message):
    with pytest.raises((ValueError, TypeError), match=message):
        draw(ax)
