from inspect import signature

import pytest

from csk.engine import spark
from csk.errors import DataError, TryAgainError, UsageError

ADDRESS = "sc://me:pa%20ss@host.example:443/;use_ssl=true;token=s%2Fecret;user_id=someone"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("sc://localhost", "sc://localhost"),
        ("sc://10.0.0.1:15002", "sc://10.0.0.1:15002"),
        ("sc://[::1]:15002/", "sc://[::1]:15002"),
        (ADDRESS, "sc://host.example:443"),
        ("postgres://secret@host", "sc://..."),
        ("", "sc://..."),
    ],
)
def test_an_address_is_shown_without_its_secrets(address, shown):
    assert spark.address_shown(address) == shown


@pytest.mark.parametrize(
    "address",
    ["", "localhost:15002", "http://x", "sc://", "sc:///;token=x", "sc://h;token=x", "sc://h/path"],
)
def test_what_is_no_address_is_refused_before_anything_is_loaded(address):
    with pytest.raises(UsageError, match="cannot be understood"), spark.connected(address):
        pass


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("UNAVAILABLE", "failed to connect to all addresses", TryAgainError),
        ("DEADLINE_EXCEEDED", "too late", TryAgainError),
        ("UNKNOWN", "[INVALID_HANDLE.SESSION_CLOSED] gone", TryAgainError),
        ("UNKNOWN", "Job aborted due to stage failure: ExecutorLostFailure", TryAgainError),
        ("UNAUTHENTICATED", "token s/ecret is not known", UsageError),
        ("PERMISSION_DENIED", "no", UsageError),
        ("UNIMPLEMENTED", "unknown service", UsageError),
        ("INTERNAL", "[TABLE_OR_VIEW_NOT_FOUND] The table `a`.`b` cannot be found.", UsageError),
        ("INTERNAL", "[PATH_NOT_FOUND] Path does not exist: s3://x", UsageError),
        ("INTERNAL", "[CAST_INVALID_INPUT] The value 'x' of s%2Fecret", DataError),
    ],
)
def test_what_a_cluster_says_becomes_a_refusal_of_the_right_kind(code, message, kind):
    grpc = pytest.importorskip("grpc")
    errors = pytest.importorskip("pyspark.errors.exceptions.connect")
    stack = "\n\nJVM stacktrace:\norg.apache.spark.SparkException: x\n\tat org.apache.spark.Some"
    kind_of_error = errors.SparkConnectGrpcException
    if "grpc_status_code" in signature(kind_of_error).parameters:
        status = getattr(grpc.StatusCode, code)
        error = kind_of_error(message + stack, grpc_status_code=status)
    else:  # clients before 4.1 have it in the text alone
        error = kind_of_error(f"{message} (StatusCode.{code}){stack}")
    found = spark._refusal(error, "sales.payments", ADDRESS)
    assert type(found) is kind
    told = f"{found.sentence} {found.hint}"
    assert "org.apache" not in told
    assert not any(secret in told for secret in ("s/ecret", "s%2Fecret", "pa%20ss", "[CAST"))
    assert "host.example:443" in told
