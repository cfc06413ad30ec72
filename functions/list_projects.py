from functions.cold_start import started
from backend.app.api.projects import list_projects
from functions.lambda_entry import as_lambda

handler = started(as_lambda(list_projects))
