from functions.lambda_entry import as_lambda

from backend.app.api.health import get_health

handler = as_lambda(get_health)
