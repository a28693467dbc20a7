# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client of one repository: connects, sends a request until it is answered, and raises EcrError.

Operations: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_Operations.html.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import typing as t
from urllib.parse import urlsplit

try:
    from botocore import xform_name
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.loaders import JSONFileLoader
except ImportError:
    pass  # AnsibleAWSModule reports a missing SDK

from ansible_collections.amazon.aws.plugins.module_utils.botocore import boto3_inventory_conn, get_aws_connection_info

from .._core.text import quoted
from .answers import UnreadableAnswerError, answered, watch_answers
from .call import Call, Repository
from .credentials import credential_failures_named
from .errors import CallError, ConnectionOptionsError, Denial, EcrError, ForeignAnswerError, ProxyError
from .retry import RetryAfter, with_retries
from .service_model import SERVICE, dns_suffix, is_known_region, most_like_region
from .web_url import fault_in, masked, proxy_for

if t.TYPE_CHECKING:
    from .._core.task import Task
    from .answers import Record, Response

Found = t.TypeVar("Found")

# botocore's own number of connections. More threads than connections would wait for each other.
_CONNECTIONS = 10


@contextlib.contextmanager
def _garbage_collection_paused() -> t.Iterator[None]:
    """Do not search for garbage while botocore reads its models, which have none: this saves a quarter of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@functools.cache
def _parsed(load: t.Callable[[t.Any, str], t.Any], path: str) -> t.Any:
    return load(JSONFileLoader(), path)


@contextlib.contextmanager
def _data_files_parsed_once() -> t.Iterator[None]:
    """Let a second client use the models that botocore parsed for the first, which are 9 MiB.

    botocore has a cache in each session, and amazon.aws makes a session for each client.
    """
    load = JSONFileLoader.load_file
    # In Python, methods are attributes that can be replaced; the type checker does not allow it.
    loader: t.Any = JSONFileLoader
    loader.load_file = lambda _loader, path: _parsed(load, path)
    try:
        yield
    finally:
        loader.load_file = load


def _counted_here(refusal: ClientError) -> ClientError:
    # botocore is allowed one attempt a call, and reports each time that it has reached its limit.
    metadata = t.cast("dict[str, t.Any]", refusal.response.get("ResponseMetadata", {}))
    metadata.pop("MaxAttemptsReached", None)
    return type(refusal)(refusal.response, refusal.operation_name)


class _Options:
    """What amazon.aws reads of a module: its options, with others in place of some."""

    def __init__(self, module: t.Any, options: t.Mapping[str, t.Any]) -> None:
        self.params = {**module.params, **options}
        self.fail_json = module.fail_json


def _connection_info(options: t.Any, call: Call) -> tuple[str | None, str | None, dict[str, t.Any]]:
    try:
        region, endpoint, info = get_aws_connection_info(options)
    except TypeError as error:
        # An argument that botocore's Config does not have.
        raise ConnectionOptionsError(call, error) from error
    return region, endpoint, info


def _check_endpoint(url: str) -> None:
    """Raise ValueError for a URL that botocore accepts, and that it cannot send to."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise ValueError(f"Invalid endpoint: {url}. Its scheme must be http or https")
    try:
        port = parts.port
    except ValueError as error:
        raise ValueError(f"Invalid endpoint: {url}. {error}") from error
    if port == 0:
        raise ValueError(f"Invalid endpoint: {url}. Its port is 0")


def _check_proxy(client: t.Any, call: Call) -> None:
    """Check the proxy in force, whose password botocore shows in some errors.

    :raises ProxyError: no request can be sent through it
    """
    proxy = proxy_for(str(client.meta.endpoint_url), client.meta.config.proxies)
    fault = None if proxy is None else fault_in(proxy)
    if proxy and fault:
        raise ProxyError(call, masked(proxy), fault)


class EcrClient:
    """A client of one repository.

    :param client: boto3's client of the service
    :param task: checked before every attempt
    :param profile: names the credentials in errors
    :param verify: how certificates are checked: a path of a CA bundle, or whether they are checked
    """

    def __init__(
        self,
        client: t.Any,
        repository: Repository,
        task: Task,
        profile: str | None = None,
        verify: str | bool | None = None,
    ) -> None:
        self._client = client
        self._task = task
        self._profile = profile
        self.repository = repository
        self.verify = verify
        watch_answers(client.meta.events)

    @classmethod
    def connect(
        cls,
        module: t.Any,
        repository: Repository,
        task: Task,
        service: str = SERVICE,
        connections: int = 1,
        options: t.Mapping[str, t.Any] | None = None,
    ) -> EcrClient:
        """Return a client with the connection options of a module. Nothing is sent.

        :param module: an AnsibleAWSModule
        :param connections: how many threads will use the client
        :param options: connection options in place of those of the module
        :raises EcrError: no region is set, the profile does not exist, or an option or the proxy cannot be used
        """
        # One attempt a call, because an attempt that this code does not see makes the next answer ambiguous.
        once = Config(retries={"total_max_attempts": 1}, max_pool_connections=max(_CONNECTIONS, connections))
        given = _Options(module, options or {})
        profile = given.params["profile"]
        call = Call("Connect", repository, profile=profile)
        try:
            region, endpoint, info = _connection_info(given, call)
            with _garbage_collection_paused(), _data_files_parsed_once(), credential_failures_named():
                # The function behind module.client(), which would end the task itself.
                client: t.Any = boto3_inventory_conn(
                    "client", service, region=region, endpoint=endpoint, config=once, **info
                )
            _check_endpoint(str(client.meta.endpoint_url))
        except (BotoCoreError, ClientError) as error:
            raise CallError(call, error) from error
        except ValueError as error:
            # An endpoint that is not a URL.
            raise ConnectionOptionsError(call, error) from error
        _check_proxy(client, call)
        if not is_known_region(client.meta.region_name):
            task.warn(
                f"botocore does not know a region {quoted(client.meta.region_name)}. Regions look like "
                f"{most_like_region(client.meta.region_name)}. If the registry cannot be reached, check this first."
            )
        return cls(client, repository, task, profile, info.get("verify"))

    def for_repository(self, repository: Repository) -> EcrClient:
        """Return a client of another repository with the same connection."""
        return EcrClient(self._client, repository, self._task, self._profile, self.verify)

    @property
    def region(self) -> str:
        """The AWS region of the registry."""
        return str(self._client.meta.region_name)

    @property
    def endpoint(self) -> str:
        """The URL that is called, without a password in it."""
        return masked(str(self._client.meta.endpoint_url))

    @property
    def proxy(self) -> str | None:
        """The URL of the proxy in force, without a password in it; None if there is none."""
        endpoint = str(self._client.meta.endpoint_url)
        proxy = proxy_for(endpoint, self.config.proxies)
        return None if proxy is None else masked(proxy)

    @property
    def config(self) -> t.Any:
        """Botocore's Config of this client."""
        return self._client.meta.config

    @property
    def events(self) -> t.Any:
        """Botocore's hooks into this client's requests."""
        return self._client.meta.events

    def uri(self, registry_id: str) -> str:
        """Return the name of the repository for container engines."""
        suffix = dns_suffix(str(self._client.meta.partition))
        return f"{registry_id}.dkr.ecr.{self.region}.{suffix}/{self.repository.name}"

    @property
    def registry_members(self) -> dict[str, t.Any]:
        """The members of a request that name the registry."""
        registry_id = self.repository.registry_id
        return {} if registry_id is None else {"registryId": registry_id}

    @property
    def repository_members(self) -> dict[str, t.Any]:
        """The members of a request that name the repository and its registry."""
        return {"repositoryName": self.repository.name, **self.registry_members}

    def call(
        self,
        call: Call,
        request: t.Mapping[str, t.Any],
        read: t.Callable[[Response], Record],
        before_attempt: t.Callable[[], None] | None = None,
    ) -> Record:
        """Send a request until it is answered, and return the record of the answer.

        :param call: the operation, and what it is about
        :param request: the request in the API's spelling
        :param read: makes the record; raises UnreadableAnswerError for an answer without what the record needs
        :param before_attempt: returns when the next attempt may begin
        :raises EcrError: no attempt succeeded
        :raises TaskStoppedError: the task stopped before the next attempt
        """
        call = call._replace(profile=self._profile)
        failures: list[Exception] = []
        retry_after = RetryAfter(self._task)

        def send() -> Response:
            with credential_failures_named():
                return t.cast("Response", getattr(self._client, xform_name(call.operation))(**request))

        def attempt() -> Record:
            retry_after.wait()
            self._task.check()
            if failures:
                self._task.progress.retry()
            if before_attempt:
                before_attempt()
            try:
                return answered(call.operation, send, read)
            except ClientError as refusal:
                failures.append(_counted_here(refusal))
            except (BotoCoreError, UnreadableAnswerError) as failure:
                failures.append(failure)
            retry_after.heed(failures[-1])
            raise failures[-1]

        try:
            return t.cast("Record", with_retries(attempt))
        except UnreadableAnswerError as error:
            raise ForeignAnswerError(call, error, failures[:-1], self.endpoint, self.proxy) from error
        except (ClientError, BotoCoreError) as error:
            raise CallError(call, error, failures[:-1]) from error

    def unless_denied(self, look: t.Callable[[], Found], consequence: str | None = None) -> Found | None:
        """Return what a look-up finds, or warn and return None if the caller lacks the permission.

        :param consequence: what the task does without the answer, a sentence without its period; None for no warning
        :raises EcrError: the look-up failed for another reason
        """
        try:
            return look()
        except EcrError as error:
            if not error.is_denied:
                raise
            denied = Denial.of(error)
        if consequence:
            self._task.warn(f"Missing permission {denied.action} on {denied.resource}. {consequence}.")
        return None
