"""What notebooks cannot see of their own figures: pixels have their colours and places, and names do not touch."""

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="matplotlib is not installed")
from autoenc import characters  # noqa: E402
from autoenc.report import plots  # noqa: E402

X = characters("digits")[0]


def test_a_wrong_pixel_is_marked_and_a_right_one_is_ink_or_paper():
    output, target = np.zeros((2, 1, 35))
    output[0, :4], target[0, :4] = (0.9, 0.6, 0.4, 0.1), (1, 0, 1, 0)
    np.testing.assert_allclose(plots.pictures(output, target)[0, 0, :4],
                               [plots.INK, plots.EXTRA, plots.MISSING, plots.PAPER])


def test_without_a_target_a_pixel_is_a_grey_between_paper_and_ink():
    images = np.array([-1, 0, 0.25, 1, 2]).reshape(1, 1, 5, 1)
    shares = np.array([0, 0, 0.25, 1, 1])[:, None]
    np.testing.assert_allclose(plots.pictures(images)[0, 0], (1 - shares) * plots.PAPER + shares * plots.INK)


def test_a_sheet_is_filled_row_by_row():
    fig, ax = plots.figure()
    plots.draw_pictures(ax, X[:3], columns=2)
    sheet = np.full((1 + 2 * 8, 1 + 2 * 6, 3), plots.LIGHT)
    for picture, top, left in zip(plots.pictures(X), (1, 1, 9), (1, 7, 1)):
        sheet[top:top + 7, left:left + 5] = picture
    np.testing.assert_array_equal(ax.images[0].get_array(), sheet)
    plots.plt.close(fig)


def test_names_at_the_ends_of_curves_keep_their_order_and_do_not_touch():
    fig, ax = plots.figure()
    plots.draw_curves(ax, [0, 1], {"low": [0, 0.5], "high": [0, 1], "middle": [0, 0.501], "as low": [1, 0.5]})
    fig.draw_without_rendering()
    boxes = {text.get_text(): text.get_window_extent() for text in ax.texts}
    names = sorted(boxes, key=lambda name: boxes[name].y0)
    assert names == ["low", "as low", "middle", "high"]
    assert all(boxes[below].y1 < boxes[above].y0 for below, above in zip(names, names[1:]))
    plots.plt.close(fig)


def test_a_figure_is_shown_with_its_description_as_the_same_bytes_each_time(monkeypatch):
    shown = []
    monkeypatch.setattr("autoenc.report.plots.display", lambda data, raw, metadata: shown.append((data, metadata)))
    for _ in range(2):
        fig, ax = plots.figure()
        plots.draw_codes(ax, np.arange(20).reshape(10, 2), X)
        plots.show(fig, "Ten digits.")
    assert shown[0] == shown[1] and fig.number not in plots.plt.get_fignums()
    assert shown[0][0]["text/plain"] == "Figure: Ten digits." and shown[0][1] == {"image/png": {"alt": "Ten digits.", "width": 1000}}
