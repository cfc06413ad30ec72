"""One route of the API as a Lambda function."""

import asyncio
import os

from functions.cold_start import Handler
from backend.app.api.route import Route
from backend.app.settings import AwsSettings
from backend.app.wiring import build_services
from backend.app.wiring_aws import build_aws_engine
from functions.http_handler import http_handler
from functions.telemetry import build_telemetry, traced
from shared.environment import read_settings


def as_lambda(route: Route) -> Handler:
    """The handler of the function that serves this route alone, on AWS as the environment's variables describe it.

    Raises InvalidSettingsError, naming each variable that is wrong.
    """
    settings = read_settings(AwsSettings, os.environ)
    telemetry = build_telemetry(route.name, stack=settings.stack)
    engine = build_aws_engine(settings)
    services = build_services(settings, engine, is_frozen_between_requests=True)
    handler = http_handler(route, services, engine.flush, telemetry, asyncio.new_event_loop())
    return traced(telemetry, handler) if settings.tracer else handler
