"""Names in requests and in code."""

import json
import keyword
import re
from collections.abc import Collection, Sequence

LANGUAGE = re.compile(
    r"\b(?P<language>Arabic|Bulgarian|Catalan|Chinese|Croatian|Czech|Danish|Dutch|English|Estonian|Finnish|French|"
    r"German|Greek|Hebrew|Hindi|Hungarian|Icelandic|Indonesian|Irish|Italian|Japanese|Korean|Latvian|Lithuanian|Malay|"
    r"Norwegian|Persian|Polish|Portuguese|Romanian|Russian|Serbian|Slovak|Slovenian|Spanish|Swahili|Swedish|Tamil|Thai|"
    r"Turkish|Ukrainian|Urdu|Vietnamese|Welsh)\b",
    re.IGNORECASE,
)


def words_of(text: str) -> list[str]:
    """The words of a name in lower case; capitals begin one too."""
    return re.findall(r"[^\W_]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text).lower())


def key_of(name: str) -> tuple[str, ...]:
    """What distinguishes agents: the words of a name without the word agent and the s of plurals."""
    return tuple(word.removesuffix("s") for word in words_of(name) if word not in ("agent", "agents"))


def identifier(name: str, suffix: str = "") -> str:
    """A Python identifier of the words of a name, with the suffix unless it ends in it."""
    made = "_".join(words_of(name)) or "new"
    made += "" if made.endswith(suffix.strip("_")) else suffix
    return made if made.isidentifier() and not keyword.iskeyword(made) else f"agent_{made}"


def free_name(wanted: str, taken: Collection[str]) -> str:
    """The name, or with _2, _3 ... where it is taken."""
    return next(name for n in range(1, len(taken) + 2) if (name := wanted if n == 1 else f"{wanted}_{n}") not in taken)


def listed(names: Sequence[str]) -> str:
    """Names as in a sentence: `a, b and c`."""
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def quoted(text: str) -> str:
    """A Python literal of one line."""
    return json.dumps(text, ensure_ascii=False)
