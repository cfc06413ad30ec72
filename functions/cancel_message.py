from functions.cold_start import started
from backend.app.api.messages import cancel_message
from functions.lambda_entry import as_lambda

handler = started(as_lambda(cancel_message))
