from functions.cold_start import started
from backend.app.api.sessions import start_session
from functions.lambda_entry import as_lambda

handler = started(as_lambda(start_session))
