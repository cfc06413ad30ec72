from functions.lambda_entry import as_lambda

from backend.app.api.projects import get_project

handler = as_lambda(get_project)
