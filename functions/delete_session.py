from functions.lambda_entry import as_lambda

from backend.app.api.sessions import delete_session

handler = as_lambda(delete_session)
