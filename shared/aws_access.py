"""The AccessReader on the DynamoDB table, shared by the API and the relay."""

from shared.access import ProjectAccess
from shared.aws_table import AwsTable
from shared.table_keys import project_key


class AwsAccess:
    """The AccessReader of AWS."""

    def __init__(self, table: AwsTable) -> None:
        self._table = table

    async def find_access(self, project_id: str) -> ProjectAccess | None:
        """See AccessReader."""
        project = await self._table.get(project_key(project_id))
        if project is None or "deleted" in project:
            return None
        return ProjectAccess(project_id, project["owner"], tuple(project["members"]))
