from functions.lambda_entry import as_lambda

from backend.app.api.sessions import start_session

handler = as_lambda(start_session)
