"""FastAPI dependencies: the services, the caller, and parameters that several routes share."""

from typing import Annotated, cast

from fastapi import Depends, Header, Query, Request
from pydantic import AfterValidator

from backend.app.api.services import Services
from shared.access import canonical_id


async def get_services(request: Request) -> Services:  # async: FastAPI runs others in a thread
    """The services of the application."""
    return cast(Services, request.app.state.services)


async def get_user_id(
    services: Annotated[Services, Depends(get_services)],
    authorization: Annotated[str | None, Header()] = None,
) -> str:
    """The caller's user id, from `Authorization: Bearer <token>`. Raises InvalidTokenError, KeysUnavailableError."""
    scheme, _, token = (authorization or "").partition(" ")
    identity = await services.authenticator.authenticate(token.strip() if scheme.lower() == "bearer" else None)
    return identity.user_id


ServicesDep = Annotated[Services, Depends(get_services)]
UserId = Annotated[str, Depends(get_user_id)]
# In the path: the id of a project, session or message.
Id = Annotated[str, AfterValidator(canonical_id)]
Limit = Annotated[int, Query(ge=1, le=200, description="The maximum number of entries.")]
Cursor = Annotated[str | None, Query(max_length=200, description="`next_cursor` of the previous page.")]
# The error codes of `limit` and `cursor`.
PAGE_CODES = ("invalid_request", "invalid_cursor")
