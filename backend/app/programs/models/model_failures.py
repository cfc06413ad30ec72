"""How a model call fails, beside what the client and the SDK have errors for."""

from typing import Literal


class ModelFailedError(Exception):
    """A model call failed. Each kind has a class of its own."""


class ModelSilentError(ModelFailedError):
    """The model's server sent nothing for too long.

    Attributes:
        seconds: how long it was waited for.
        answering: whether it had begun to answer before.
    """

    def __init__(self, seconds: float, *, answering: bool) -> None:
        super().__init__(f"silent for {seconds:g} s")
        self.seconds = seconds
        self.answering = answering


class UnreadableAnswerError(ModelFailedError):
    """What the model's server sent is no answer of the Responses API. The message, for people, says why."""


class OtherApiError(ModelFailedError):
    """The server at the base URL does not speak the Responses API.

    Attributes:
        api: the one that it speaks.
    """

    def __init__(self, api: str) -> None:
        super().__init__(f"the server speaks the {api}")
        self.api = api


class ReportedError(ModelFailedError):
    """The model's server said in its answer that it failed.

    Attributes:
        code: the server's word for it, or a status; may be empty.
        kind: the class of errors that the server counts it to; may be empty.
        words: what it said. It was not redacted.
        billed: whether it said what the failed answer cost.
    """

    def __init__(self, code: str, kind: str, words: str, *, billed: bool = False) -> None:
        super().__init__(f"{code} {kind}")
        self.billed = billed
        self.code = code
        self.kind = kind
        self.words = words


class AnswerCutError(ModelFailedError):
    """The answer ended before it was whole.

    Attributes:
        reason: `max_output_tokens`, `content_filter`, or what else the server says.
        tokens: how many tokens the answer has.
    """

    def __init__(self, reason: Literal["max_output_tokens", "content_filter"] | str, tokens: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.tokens = tokens
