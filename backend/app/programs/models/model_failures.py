"""Failures of model calls that neither the client nor the SDK has errors for."""

from typing import Literal


class ModelFailedError(Exception):
    """A model call failed. Each kind has a class of its own."""


class ModelSilentError(ModelFailedError):
    """The model's server sent nothing for too long.

    Attributes:
        seconds: how long the client waited.
        answering: whether the response had started before.
    """

    def __init__(self, seconds: float, *, answering: bool) -> None:
        super().__init__(f"silent for {seconds:g} s")
        self.seconds = seconds
        self.answering = answering


class UnreadableAnswerError(ModelFailedError):
    """The server's response does not conform to the Responses API. The message, for users, says why."""


class OtherApiError(ModelFailedError):
    """The server at the base URL does not speak the Responses API.

    Attributes:
        api: the API that it speaks.
    """

    def __init__(self, api: str) -> None:
        super().__init__(f"the server speaks the {api}")
        self.api = api


class ReportedError(ModelFailedError):
    """The model's server reported an error in its response.

    Attributes:
        code: the error code, or a status; may be empty.
        kind: the server's type of the error; may be empty.
        words: its message, not redacted.
        billed: whether the failed response had output tokens.
    """

    def __init__(self, code: str, kind: str, words: str, *, billed: bool = False) -> None:
        super().__init__(f"{code} {kind}")
        self.billed = billed
        self.code = code
        self.kind = kind
        self.words = words


class AnswerCutError(ModelFailedError):
    """The response ended before it was complete.

    Attributes:
        reason: `max_output_tokens`, `content_filter`, or another reason of the server.
        tokens: the number of output tokens.
    """

    def __init__(self, reason: Literal["max_output_tokens", "content_filter"] | str, tokens: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.tokens = tokens
