"""Serves one route of the API as a Lambda function."""

from functions.start import start_function

import asyncio

from backend.app.api.route import Route
from backend.app.settings import AwsSettings
from backend.app.wiring import build_services
from backend.app.wiring_aws import build_aws_engine
from functions.http_handler import http_handler
from functions.telemetry import Handler, Telemetry


def as_lambda(route: Route) -> Handler:
    """The handler of the function that serves this route alone, on AWS. See start_function for what it raises."""

    def build_handler(settings: AwsSettings, telemetry: Telemetry) -> Handler:
        engine = build_aws_engine(settings)
        services = build_services(settings, engine, is_frozen_between_requests=True)
        return http_handler(route, services, engine.flush, telemetry, asyncio.new_event_loop())

    return start_function(route.name, build_handler)
