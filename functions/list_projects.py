from functions.lambda_entry import as_lambda

from backend.app.api.projects import list_projects

handler = as_lambda(list_projects)
