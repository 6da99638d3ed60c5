"""The exporter of slides by its short name: `jupyter nbconvert --to autoenc.slides.OfflineSlides` (see `autoenc.report.slides`)."""

from .report.slides import OfflineSlides  # noqa: F401
