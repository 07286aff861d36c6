"""Sphinx configuration. Builds offline; a warning is an error (``make docs``)."""

import os
import sys
import tempfile
from pathlib import Path

# Reading the package's docstrings imports Airflow, which writes a configuration wherever AIRFLOW_HOME points.
os.environ.setdefault("AIRFLOW_HOME", os.path.join(tempfile.gettempdir(), "airflow-home-of-docs"))

sys.path.insert(0, str(Path(__file__).parent))

from airflow_provider_imports import __version__
from airflow_provider_imports.installed import installed

project = "airflow-provider-imports"
author = "The airflow-provider-imports developers"
copyright = f"2026, {author}"
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.doctest",
    "sphinx.ext.viewcode",
    "reference_tables",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
smartquotes = False

autosummary_generate = True
# Of the packages of operators, sensors, hooks and triggers, only what a DAG author uses or a new vendor builds on.
autosummary_context = {
    "public": {
        *installed().entries,
        # a DAG author
        "events",
        "rocketchat_user_records",
        "rows",
        # a new vendor
        "arrival",
        "asking",
        "base",
        "description",
        "imports",
        "judging",
        "pushing",
        "service",
        "slot_turns",
        "slots",
        "waiting",
    }
}
autodoc_default_options = {"members": True, "show-inheritance": True, "member-order": "bysource"}
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
add_module_names = False
python_maximum_signature_line_length = 88

html_theme = "furo"
html_title = f"airflow-provider-imports {__version__}"
html_static_path = ["_static"]
html_css_files = ["wrap.css"]
html_copy_source = False
html_show_sphinx = False
