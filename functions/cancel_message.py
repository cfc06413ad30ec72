from functions.lambda_entry import as_lambda

from backend.app.api.messages import cancel_message

handler = as_lambda(cancel_message)
