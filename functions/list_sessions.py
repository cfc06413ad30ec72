from functions.cold_start import started
from backend.app.api.sessions import list_sessions
from functions.lambda_entry import as_lambda

handler = started(as_lambda(list_sessions))
