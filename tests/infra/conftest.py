"""The template's stack on moto, in this process."""

import os
from collections.abc import Iterator
from unittest.mock import patch

import boto3
import pytest
from moto import mock_aws

from tests.infra.template_files import REGION
from tests.template_stack import TemplateStack, create_stack

_ACCOUNT = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}


@pytest.fixture(scope="module")
def aws() -> Iterator[None]:
    """An empty account per test file."""
    with patch.dict(os.environ, _ACCOUNT), mock_aws():
        yield


@pytest.fixture(scope="module")
def stack(aws: None) -> TemplateStack:
    return create_stack(boto3.client, openai_key=None)
