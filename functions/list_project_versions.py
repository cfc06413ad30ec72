from functions.lambda_entry import as_lambda

from backend.app.api.projects import list_project_versions

handler = as_lambda(list_project_versions)
