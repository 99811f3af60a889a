"Sphinx settings of the site. tools/make_site.py (`make site`) copies this folder to the prepared notebooks."
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))       # anchors.py

project = 'gram_nb'
author = 'The gram_nb authors'
copyright = '2026 onwards, ' + author
extensions = ['myst_nb', 'sphinx.ext.mathjax']

nb_execution_mode = 'off'               # outputs are those in the repository
nb_render_markdown_format = 'myst'      # in outputs, too
nb_ipywidgets_js = {}                   # widgets need a kernel, and their scripts a server elsewhere
nb_merge_streams = True
nb_code_prompt_show = nb_code_prompt_hide = 'Code'
myst_enable_extensions = ['dollarmath', 'amsmath']
myst_heading_anchors = 3
myst_heading_slug_func = 'anchors.jupyter'

mathjax_path = 'mathjax/tex-svg-full.js'        # one file, fonts included
mathjax3_config = {'svg': {'fontCache': 'global'}, 'options': {'enableMenu': False}}

html_theme = 'sphinx_book_theme'
html_title = 'gram_nb'
html_favicon = '_static/favicon.svg'       # four queens
html_static_path = ['_static']
html_css_files = ['site.css']
html_copy_source = False
html_show_sphinx = False
html_context = {'default_mode': 'auto'}      # light or dark, as the reader's system
html_theme_options = {
    'repository_url': 'https://github.com/gram-nb/gram_nb',
    'repository_branch': 'main',
    'path_to_docs': 'nbs',
    'use_repository_button': True,
    'use_download_button': False,
    'launch_buttons': {'colab_url': 'https://colab.research.google.com'},
    'home_page_in_toc': True,
    'navbar_persistent': [],        # the sidebar has a search field
    'show_navbar_depth': 1,
    'show_toc_level': 2,
}
