from functions.lambda_entry import as_lambda

from backend.app.api.sessions import list_events

handler = as_lambda(list_events)
