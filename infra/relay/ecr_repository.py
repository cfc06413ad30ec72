"""The ECR repository of the relay's image."""

import json
from typing import Any

_KEPT_IMAGES = 10
_LIFECYCLE = {
    "rules": [
        {
            "rulePriority": 1,
            "description": f"Keep the newest {_KEPT_IMAGES}",
            "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": _KEPT_IMAGES},
            "action": {"type": "expire"},
        }
    ]
}


def ensure_repository(ecr: Any, name: str) -> str:
    """The address of the ECR repository; it is made where it is missing."""
    try:
        found = ecr.describe_repositories(repositoryNames=[name])["repositories"]
    except ecr.exceptions.RepositoryNotFoundException:
        made = ecr.create_repository(
            repositoryName=name,
            imageTagMutability="IMMUTABLE",
            imageScanningConfiguration={"scanOnPush": True},
            encryptionConfiguration={"encryptionType": "AES256"},
        )
        found = [made["repository"]]
        # Only of a repository that we created: nothing is removed from others.
        ecr.put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=json.dumps(_LIFECYCLE))
    address: str = found[0]["repositoryUri"]
    return address


def find_digest(ecr: Any, repository: str, tag: str) -> str | None:
    """The digest of the newest image that was pushed with this tag, or with it and a time; None where there is none."""
    pages = ecr.get_paginator("describe_images").paginate(repositoryName=repository, filter={"tagStatus": "TAGGED"})
    images = [
        image
        for page in pages
        for image in page["imageDetails"]
        if any(one == tag or one.startswith(f"{tag}-") for one in image["imageTags"])
    ]
    if not images:
        return None
    digest: str = max(images, key=lambda image: image["imagePushedAt"])["imageDigest"]
    return digest
