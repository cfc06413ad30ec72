from functions.lambda_entry import as_lambda

from backend.app.api.projects import create_project

handler = as_lambda(create_project)
