"""Answers are shown as Markdown, also while they are streamed; never as HTML, and without loading anything."""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.console.browser_page import SCREENS, ConsolePage
from tests.console.visits import Visits
from tests.server_process import ServerProcess, vibewire_process

pytestmark = pytest.mark.browser

Shot = Callable[[ConsolePage, str], None]
PROMPT = "Write something"
ANSWER = """## What changed

I made **three agents** and *one* tool, ~~four~~, see `billing`:

1. triage
   - hands off to `billing`
2. billing &amp; refunds

| agent | tools |
| :--- | ---: |
| triage | 0 |
| billing | **2** |

```python
def refund(amount: float) -> str:
    return f"<b>{amount}</b>"
```

> Quoted <img src=x onerror=document.title='owned'>

[the docs](https://docs.example/a?b=c) and [a trap](javascript:document.title='owned')
![a picture](https://tracker.example/pixel.png) <script>document.title='owned'</script>

- [x] done
- [ ] pay\u202e100\u200b
"""


@pytest.fixture(scope="module")
def markdown_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server whose model streams Markdown in pieces that may split any word."""
    folder: Path = tmp_path_factory.mktemp("markdown")
    (folder / "answer.md").write_text(ANSWER, "utf-8")
    writer = ("--text-file", str(folder / "answer.md"), "--pieces", "120", "--pace", "0.02")
    with ServerProcess("tests.console.writer_model", *writer) as model, vibewire_process(folder, model.url) as server:
        yield server.url


@pytest.mark.parametrize("screen", list(SCREENS.values()), ids=list(SCREENS))
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_answer_is_shown_as_markdown_on_every_screen(
    visits: Visits, markdown_url: str, screen: dict[str, Any], scheme: str, shot: Shot
) -> None:
    visitor = visits.open(markdown_url, **screen, color_scheme=scheme)
    visitor.create_project("Markdown")
    visitor.send(PROMPT)
    message = visitor.completed(PROMPT)
    expect_markdown(message)
    assert "owned" not in visitor.page.title()
    assert visitor.width_beyond_screen() == 0
    shot(visitor, f"22-markdown-{screen['viewport']['width']}-{scheme}")
    if scheme == "light":
        assert visitor.serious_violations() == []
    visitor.page.reload()
    expect_markdown(visitor.message(PROMPT))


def expect_markdown(message: Locator) -> None:
    expect(message.get_by_role("heading", name="What changed")).to_be_visible()
    for name in ("strong", "em", "s"):
        expect(message.locator(name).first).to_have_text({"strong": "three agents", "em": "one", "s": "four"}[name])
    expect(message.get_by_role("listitem").filter(has_text="billing & refunds").last).to_be_visible()
    expect(message.get_by_role("cell", name="billing")).to_be_visible()
    expect(message.locator("pre")).to_have_text('def refund(amount: float) -> str:\n    return f"<b>{amount}</b>"')
    expect(message.locator("blockquote")).to_contain_text("Quoted <img src=x onerror=document.title='owned'>")
    expect(message.get_by_role("link", name="the docs")).to_have_attribute("href", "https://docs.example/a?b=c")
    expect(message.get_by_role("link", name="the docs")).to_have_attribute("rel", re.compile("noopener"))
    expect(message.get_by_role("link", name="Image: a picture")).to_be_visible()
    expect(message).to_contain_text("[a trap](javascript:document.title='owned')")
    expect(message.get_by_role("link")).to_have_count(2)
    expect(message.get_by_role("img", name="U+202E: right-to-left override")).to_be_visible()
    expect(message.get_by_role("img", name="U+200B: zero-width space")).to_be_visible()
    expect(message.locator("img, script")).to_have_count(0)


def test_text_that_was_shown_during_streaming_stays(visits: Visits, markdown_url: str) -> None:
    visitor = visits.open(markdown_url)
    visitor.create_project("Streamed")
    message = visitor.send(PROMPT)
    expect(message.get_by_role("heading", name="What changed")).to_be_visible()
    message.locator("strong").first.evaluate("(one) => { one.isKept = true; }")
    visitor.completed(PROMPT)
    assert message.locator("strong").first.evaluate("(one) => one.isKept === true"), "the element was replaced"
    lengths = [len(re.sub(r"[*#|`~>\s-]", "", text)) for text in visitor.log_history() if "What changed" in text]
    steps = [later - earlier for earlier, later in pairwise(lengths)]
    assert len(steps) > 5
    # Only Markdown syntax may disappear, such as the URL of a link.
    assert min(steps) > -60


def test_a_code_block_has_a_copy_button(visits: Visits, markdown_url: str) -> None:
    visitor = visits.open(markdown_url, permissions=["clipboard-read", "clipboard-write"])
    visitor.create_project("Copied")
    visitor.send(PROMPT)
    visitor.completed(PROMPT).get_by_role("button", name="Copy").click()
    expect(visitor.message(PROMPT).get_by_role("button", name="Copied")).to_be_visible()
    text = visitor.page.evaluate("navigator.clipboard.readText()")
    assert text == 'def refund(amount: float) -> str:\n    return f"<b>{amount}</b>"'
