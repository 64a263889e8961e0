"""Settings of Sphinx. The pages are in build/docs/pages, where `derive/` writes them."""

from importlib.metadata import version as version_of
from pathlib import Path

HERE = Path(__file__).parent

project = "socketserver-reference"
release = version = version_of("socketserver-reference")
copyright = "the contributors, MIT licence"

extensions = ["myst_parser"]
myst_enable_extensions = ["attrs_block", "colon_fence", "deflist"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]  # a docstring may begin with a heading of any level

smartquotes = False  # they would make a dash of the two hyphens of an option

html_theme = "furo"
html_title = project
html_static_path = [str(HERE / "assets"), str(HERE.parent / "build" / "docs" / "pages" / "assets")]
html_css_files = ["lanes.css", "site.css"]
html_js_files = ["filter.js", "scroll.js"]
html_show_sphinx = False
html_show_search_summary = False  # the summaries are fetched, which a browser forbids for files: the search stopped
html_copy_source = False
exclude_patterns = ["assets"]
pygments_style = "default"
pygments_dark_style = "monokai"
