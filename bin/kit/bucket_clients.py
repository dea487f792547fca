"""Clients of buckets: server, credentials, patience, and errors as sentences."""

import contextlib
import os
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from typing import Any


@cache
def client(scheme: str, bucket: str, hurried: bool) -> Any:
    """Return a client that finds credentials in the environment or the machine's role."""
    from obstore.store import GCSStore, S3Store

    retries: Any = {"max_retries": 2 if hurried else 8, "retry_timeout": timedelta(minutes=3)}
    endpoint = os.environ.get("GOOGLE_BASE_URL", "") if scheme == "gs" else _endpoint()
    options: Any = {
        "allow_http": endpoint.startswith("http://"),
        "read_timeout": timedelta(seconds=60),
        "timeout": timedelta(hours=1),  # of a whole object
    }
    if scheme == "gs":
        return GCSStore(bucket, client_options=options, retry_config=retries)
    config: Any = {"checksum_algorithm": "SHA256"} | ({"endpoint": endpoint} if endpoint else {})
    return S3Store(
        bucket,
        config=config,
        client_options=options,
        retry_config=retries,
        credential_provider=_profile(),
    )


def _endpoint() -> str:
    names = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
    return next((os.environ[name] for name in names if os.environ.get(name)), "")


def _profile() -> Any:
    """Return the credentials of AWS_PROFILE, if it is set."""
    if not os.environ.get("AWS_PROFILE"):
        return None
    try:
        from obstore.auth.boto3 import Boto3CredentialProvider
    except ImportError:
        raise OSError("AWS_PROFILE needs the Python package boto3: pip install boto3") from None
    return Boto3CredentialProvider()


@contextlib.contextmanager
def sentences(url: str) -> Iterator[None]:
    """Turn the client's errors over an object into one sentence each."""
    from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

    try:
        yield
    except FileNotFoundError as error:
        if "NoSuchBucket" in str(error):
            raise OSError(f"{url} can't be used: there is no such bucket") from None
        raise FileNotFoundError(f"{url} is not there") from None
    except (PermissionDeniedError, UnauthenticatedError):
        raise PermissionError(
            f"{url} can't be used: these credentials may not read and write it"
        ) from None
    except BaseError as error:
        said = str(error).partition("\n")[0]
        if "NoSuchBucket" in str(error):
            said = "there is no such bucket"
        elif "169.254." in said or "metadata.google" in said:
            said = (
                "there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
                "AWS_PROFILE or, for gs://, GOOGLE_APPLICATION_CREDENTIALS"
            )
        raise OSError(f"{url} can't be used: {said}") from None
