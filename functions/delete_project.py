from functions.lambda_entry import as_lambda

from backend.app.api.projects import delete_project

handler = as_lambda(delete_project)
