"""The one table from error code to HTTP status. A domain error whose code is missing here fails a test."""

from typing import NamedTuple


class ProblemCode(NamedTuple):
    """The HTTP status that a code always comes with, and an example of its `detail` for the documents."""

    status: int
    example: str


# Of the domain's errors.
DOMAIN_CODES = {
    "project_not_found": ProblemCode(
        404, "Project 01a20790-0000-7000-8000-000000000000 does not exist, or you have no access to it."
    ),
    "version_not_found": ProblemCode(404, "Project 01a20790-d004-775e-923b-29a3f1bfc4b9 has no version 9; it is at 2."),
    "session_not_found": ProblemCode(
        404, "Session 01a20790-0000-7000-8000-000000000000 does not exist, or you have no access to it."
    ),
    "message_not_found": ProblemCode(
        404, "Message 01a20790-0000-7000-8000-000000000000 does not exist, or you have no access to it."
    ),
    "response_not_found": ProblemCode(404, "The message has no model response resp_0."),
    "owner_only": ProblemCode(403, "Only the owner of a project may share it."),
    "invalid_input": ProblemCode(422, "The prompt is empty: it has no visible character."),
    "invalid_code": ProblemCode(422, "The code is not Python: line 3: '(' was never closed"),
    "invalid_cursor": ProblemCode(422, "The cursor is not one of this list: use the `next_cursor` of the page before."),
    "invalid_node_id": ProblemCode(
        422,
        "A node id is the name of an agent's variable: letters, digits, '_', '.' and '-', at most 200 bytes of UTF-8, "
        "starting with a letter, a digit or '_'.",
    ),
    "two_message_ids": ProblemCode(400, "Send either `message_id` or an `Idempotency-Key`, not both."),
    "code_too_large": ProblemCode(413, "The code has 300000 bytes; at most 262144 are allowed."),
    "prompt_too_long": ProblemCode(413, "The prompt has 40000 bytes; at most 32000 are allowed."),
    "too_many_members": ProblemCode(422, "A project can have at most 50 members; 51 were given."),
    "stale_version": ProblemCode(409, "The code is at version 3, not 2: read it again."),
    "message_id_conflict": ProblemCode(409, "Message 01a20790 was sent before with another prompt. Use another id."),
    "too_many_queued_messages": ProblemCode(
        429, "This session has 20 queued messages, the most that are allowed. Try again when one has ended."
    ),
    "event_log_busy": ProblemCode(503, "Others keep writing to this session's event log. Try again in a few seconds."),
    "storage_full": ProblemCode(
        507, "The server's disk is full; nothing was changed. Free some space, then try again."
    ),
    "storage_unavailable": ProblemCode(
        503, "The server's store is unavailable (SQLITE_BUSY); nothing was changed. Try again later."
    ),
    "storage_damaged": ProblemCode(
        500, "The server's store is damaged (SQLITE_CORRUPT). The server's operator must restore a backup."
    ),
}
# Of the API itself.
API_CODES = {
    "malformed_json": ProblemCode(400, "The body is not JSON."),
    "invalid_token": ProblemCode(401, "The token has expired."),
    "foreign_origin": ProblemCode(403, "Without identity settings this server only answers to pages of this machine."),
    "no_such_path": ProblemCode(404, "Not Found"),
    "method_not_allowed": ProblemCode(405, "Method Not Allowed"),
    "body_too_large": ProblemCode(413, "The body may have at most 1000000 bytes."),
    "unsupported_media_type": ProblemCode(
        415, "Compressed bodies are not supported: send it without `Content-Encoding`."
    ),
    "foreign_host": ProblemCode(421, "Without identity settings this server only answers to localhost."),
    "invalid_request": ProblemCode(422, "body.prompt: Field required"),
    "internal_error": ProblemCode(500, "Internal server error. It has been logged."),
    "out_of_memory": ProblemCode(
        503, "The server has too little memory left for this; nothing was changed. Try again later."
    ),
    "keys_unavailable": ProblemCode(503, "The token issuer's keys cannot be fetched now; try again."),
    "answer_too_large": ProblemCode(500, "The response is too large to be sent in one piece."),
}
PROBLEM_CODES = {**DOMAIN_CODES, **API_CODES}
