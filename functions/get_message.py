from functions.lambda_entry import as_lambda

from backend.app.api.messages import get_message

handler = as_lambda(get_message)
