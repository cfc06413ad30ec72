"""Plain English: names of agents, languages and the words that mean "the one we talk about"."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Sequence

_LANGUAGES = (
    "Afrikaans|Albanian|Arabic|Armenian|Basque|Bengali|Bosnian|Bulgarian|Cantonese|Catalan|"
    "Chinese|Croatian|Czech|Danish|Dutch|English|Esperanto|Estonian|Finnish|French|"
    "Galician|Georgian|German|Greek|Gujarati|Hebrew|Hindi|Hungarian|Icelandic|Indonesian|"
    "Irish|Italian|Japanese|Kazakh|Korean|Latin|Latvian|Lithuanian|Macedonian|Malay|"
    "Maltese|Mandarin|Marathi|Nepali|Norwegian|Persian|Polish|Portuguese|Punjabi|Romanian|"
    "Russian|Serbian|Slovak|Slovenian|Spanish|Swahili|Swedish|Tagalog|Tamil|Telugu|Thai|"
    "Turkish|Ukrainian|Urdu|Vietnamese|Welsh"
)
_LANGUAGE = re.compile(rf"\b({_LANGUAGES})\b", re.IGNORECASE)
_NOT_WANTED = re.compile(rf"\b(?:instead\s+of|rather\s+than|no\s+longer|not|from)\s+(?:{_LANGUAGES})\b", re.IGNORECASE)
_FILLERS = frozenset(
    re.findall(
        r"\w+",
        "a an the this that these those my our your it its him her them they he she one agent agents "
        "please can could would should must will shall may be able let make have get also just now "
        "current same last new to allow enable want need i we you so and then if possible give add",
    )
)
_STRAIGHT = {0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"'}


def straight_quotes(text: str) -> str:
    """Write curly quotes as straight ones.

    Args:
        text: What the user wrote.

    Returns:
        The text of the same length.
    """
    return text.translate(_STRAIGHT)


def words_of(text: str) -> list[str]:
    """Split a name into lower-case words: at spaces, punctuation, underscores and capitals.

    Args:
        text: A name or a phrase.

    Returns:
        Its words.
    """
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)
    return re.findall(r"[^\W_]+", spaced.lower())


def key_words(text: str) -> list[str]:
    """Take the words that tell one agent from another.

    Args:
        text: A name or a phrase, such as `the Billing agent`.

    Returns:
        Its words without a leading article and a trailing `agent`.
    """
    words = words_of(text)
    while words and words[0] in {"the", "a", "an", "my", "our", "this", "that"}:
        words = words[1:]
    return words[:-1] if words and words[-1] in {"agent", "agents"} else words


def content_words(phrase: str) -> list[str]:
    """Take the words of a phrase that name something.

    Args:
        phrase: Part of a request, such as `let the triage agent`.

    Returns:
        Its words without fillers; empty when it is only a pronoun.
    """
    return [word for word in words_of(phrase.replace("'s", " ")) if word not in _FILLERS]


def identifier(phrase: str, suffix: str = "") -> str:
    """Make a variable or function name.

    Args:
        phrase: Words to make it from.
        suffix: Ending it must have, such as `_agent`; not added twice.

    Returns:
        A valid Python identifier.
    """
    name = "_".join(words_of(phrase)) or "new"
    if not name.endswith(suffix.strip("_")):
        name += suffix
    if not name.isidentifier():
        name = f"agent_{name}"
    try:
        ast.parse(f"{name} = 1")
    except SyntaxError:
        name += "_agent"
    return name


def free_name(wanted: str, taken: Iterable[str]) -> str:
    """Find a name nobody uses yet.

    Args:
        wanted: The name to start from.
        taken: Names in use.

    Returns:
        The name itself, or with `_2`, `_3` and so on.
    """
    used, name, number = set(taken), wanted, 1
    while name in used:
        number += 1
        name = f"{wanted}_{number}"
    return name


def quoted(text: str) -> str:
    """Write a Python string literal with double quotes.

    Args:
        text: Its value.

    Returns:
        The literal.
    """
    return json.dumps(text, ensure_ascii=False)


def language_in(text: str) -> str | None:
    """Find the language a text asks for.

    Args:
        text: Part of a request.

    Returns:
        The language's English name; with several, the last. None when there is none.
    """
    known = _LANGUAGE.findall(_NOT_WANTED.sub(" ", text))
    if known:
        return str(known[-1]).capitalize()
    other = re.search(r"\b(?:speaks?|answers?|repl(?:y|ies)|responds?|talks?|writes?) in ([A-Z][a-z]+)\b", text)
    return other.group(1) if other else None


def without_language(text: str, language: str) -> str:
    """Leave out the language that is asked for, so that it is not taken for the Spanish agent.

    Args:
        text: Part of a request.
        language: The language.

    Returns:
        The text without its last mention.
    """
    text = _NOT_WANTED.sub(" ", text)
    at = text.lower().rfind(language.lower())
    return text[:at] + text[at + len(language) :] if at >= 0 else text


def listed(names: Sequence[str]) -> str:
    """Write names as a sentence does: `a, b and c`.

    Args:
        names: The names.

    Returns:
        The text.
    """
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def with_article(noun: str) -> str:
    """Put `a` or `an` before a noun.

    Args:
        noun: One or more words.

    Returns:
        Article and noun.
    """
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"
