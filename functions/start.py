"""Starts a Lambda function. Import it first: it removes empty variables and pauses the garbage collector.

What the imports create lives as long as the process. Collecting garbage while they run takes a tenth of the cold start.
"""

import shared.empty_variables  # noqa: F401 - imported for its side effect

import gc

gc.disable()

import os
from collections.abc import Callable

from backend.app.settings import AwsSettings
from functions.telemetry import Handler, Telemetry, build_telemetry, traced
from shared.environment import read_settings


def start_function(name: str, build_handler: Callable[[AwsSettings, Telemetry], Handler]) -> Handler:
    """The handler of the function of that name, configured by the environment's variables.

    The garbage collector runs again afterwards, and skips what the start created: scanning all of it would delay a
    request. Raises InvalidSettingsError, naming each invalid variable.
    """
    settings = read_settings(AwsSettings, os.environ)
    telemetry = build_telemetry(name, stack=settings.stack)
    handler = build_handler(settings, telemetry)
    if settings.tracer:
        handler = traced(telemetry, handler)
    gc.freeze()
    gc.enable()
    return handler
