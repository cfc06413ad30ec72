from functions.cold_start import started
from backend.app.api.projects import delete_project
from functions.lambda_entry import as_lambda

handler = started(as_lambda(delete_project))
