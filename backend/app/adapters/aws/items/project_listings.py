"""Lists a user's projects by items in the user's partition. They only find candidates: a project's own item decides
who is in it.
"""

from collections.abc import Iterable, Sequence

from shared.aws_item import Item, Write, delete, put
from shared.aws_table import AwsTable, ConditionFailedError
from shared.table_keys import PROJECT_PREFIX, Key, member_key, project_key, user_partition


def listing_writes(users: Sequence[str], project_id: str, revision: int) -> list[Write]:
    """The writes that list a project for its users as of a revision."""
    return [put({**member_key(user, project_id), "revision": revision}) for user in dict.fromkeys(users)]


async def remove_listings(table: AwsTable, users: Iterable[str], project_id: str, revision: int) -> None:
    """Unlist a project for users whom that revision removed, unless a later revision listed it again."""
    for user in users:
        try:
            await table.write(user=delete(member_key(user, project_id), "#revision < :revision", revision=revision))
        except ConditionFailedError:
            continue  # listed again since, or already removed


async def find_listed_projects(
    table: AwsTable, user_id: str, limit: int, before: str | None
) -> tuple[list[Item], bool]:
    """The items of a user's projects, newest first; and whether there are more.

    Args:
        table: the table.
        user_id: the user.
        limit: the most projects to return.
        before: only projects with a lower id.
    """
    high = PROJECT_PREFIX + ("~" if before is None else before)
    found: list[Item] = []
    candidates: list[Key] = []
    listings = table.query(user_partition(user_id), PROJECT_PREFIX, high, forward=False, page_size=limit + 1)
    async for listing in listings:
        project_id = listing["sk"].removeprefix(PROJECT_PREFIX)
        if project_id != before:
            candidates.append(project_key(project_id))
        if len(candidates) > limit:
            found += await _projects_of(table, user_id, candidates)
            candidates = []
        if len(found) > limit:
            break
    found += await _projects_of(table, user_id, candidates)
    return found[:limit], len(found) > limit


async def _projects_of(table: AwsTable, user_id: str, candidates: Sequence[Key]) -> list[Item]:
    items = await table.get_many(candidates)
    return [
        item
        for item in items
        if item is not None and "deleted" not in item and user_id in (item["owner"], *item["members"])
    ]
