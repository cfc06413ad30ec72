from functions.lambda_entry import as_lambda

from backend.app.api.sessions import send_message

handler = as_lambda(send_message)
