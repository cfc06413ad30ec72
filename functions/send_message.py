from functions.cold_start import started
from backend.app.api.sessions import send_message
from functions.lambda_entry import as_lambda

handler = started(as_lambda(send_message))
