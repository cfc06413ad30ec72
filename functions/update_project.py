from functions.lambda_entry import as_lambda

from backend.app.api.projects import update_project

handler = as_lambda(update_project)
