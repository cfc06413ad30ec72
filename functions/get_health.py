from functions.cold_start import started
from backend.app.api.health import get_health
from functions.lambda_entry import as_lambda

handler = started(as_lambda(get_health))
