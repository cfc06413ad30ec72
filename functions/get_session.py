from functions.lambda_entry import as_lambda

from backend.app.api.sessions import get_session

handler = as_lambda(get_session)
