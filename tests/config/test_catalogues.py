"""Every sentence of the server's own pages has its Chinese, and the compiled file is not stale."""

from __future__ import annotations

import re
from pathlib import Path

from django.conf import settings

from backend.config.catalogues import compile_messages, read_messages

SOURCES = [path for folder in settings.LOCALE_PATHS for path in Path(folder).rglob("*.po")]
TEMPLATES = Path(settings.BASE_DIR) / "backend" / "config" / "templates"


def test_compiled_catalogues_are_those_of_their_sources() -> None:
    assert SOURCES
    for source in SOURCES:
        compiled = source.with_suffix(".mo").read_bytes()
        assert compiled == compile_messages(read_messages(source.read_text())), f"{source}: run manage.py compile_catalogues"


def test_every_sentence_of_the_templates_is_translated() -> None:
    wanted = set()
    for template in TEMPLATES.rglob("*.html"):
        text = template.read_text()
        wanted |= set(re.findall(r'{% translate "([^"]+)"', text))
        for sentence in re.findall(r"{% blocktranslate[^%]*%}(.*?){% endblocktranslate %}", text):
            wanted.add(re.sub(r"{{ (\w+) }}", r"%(\1)s", sentence))
    for source in SOURCES:
        messages = read_messages(source.read_text())
        assert {sentence for sentence in wanted if not messages.get(sentence)} == set()
